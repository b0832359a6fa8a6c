/** MITRE ATT&CK as AWS names it in findings. */
import { remembered } from './remembered.js'

export interface Attack {
  readonly tactic: { readonly uid: string; readonly name: string } | undefined
  readonly technique: { readonly uid: string; readonly name: string | undefined } | undefined
}

const NAMES =
  'Reconnaissance TA0043|Resource Development TA0042|Initial Access TA0001|Execution TA0002|Persistence TA0003|Privilege Escalation TA0004|Defense Evasion TA0005|Credential Access TA0006|Discovery TA0007|Lateral Movement TA0008|Collection TA0009|Command and Control TA0011|Exfiltration TA0010|Impact TA0040'

const TACTICS: ReadonlyMap<string, { readonly uid: string; readonly name: string }> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ NAMES.split('|').map(entry => [squeezed(entry.slice(0, -7)), { uid: entry.slice(-6), name: entry.slice(0, -7) }]),
)

function squeezed(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '')
}

const TECHNIQUE = /\b(T\d{4}(?:\.\d{3})?)\b[\s:.-]*(.*)$/

const attackNamed = /* @__PURE__ */ remembered((said = ''): { readonly attack: Attack | undefined } => {
  const technique = TECHNIQUE.exec(said)
  if (technique !== null) return { attack: { tactic: undefined, technique: { uid: technique[1]!, name: technique[2]!.trim() || undefined } } }
  const tactic = TACTICS.get(squeezed(said.replace(/^TA\d{4}\b/, '').replace(/^MITRE ATT&CK[:\s]*/i, '')))
  return { attack: tactic === undefined ? undefined : { tactic, technique: undefined } }
})

/** A tactic (`CredentialAccess`, `Initial Access`, `INITIAL_ACCESS`) or a technique (`T1078.004 - Cloud Accounts`); `undefined` for anything else. */
export function attackOf(said: string): Attack | undefined {
  return said.length > 200 ? undefined : attackNamed(said, undefined).attack
}
