/** The rule `secret_redacted` for objects that nobody has read. */
import { type Json, UnreadJson } from '../../json.js'
import { isHidden, mayHaveParameters, REDACTED, redactJson, SECRET_KEYS } from './secrets.js'

/** What `redactJson` gives, in the text where that says all: what is escaped is never left unread, so no text in it holds JSON. */
export function redactUnread(value: UnreadJson): Json | UnreadJson
export function redactUnread(value: Json | undefined): Json | undefined
export function redactUnread(value: Json | UnreadJson | undefined): Json | UnreadJson | undefined {
  if (!(value instanceof UnreadJson)) return redactJson(value)
  const { text, sought, found } = value
  if (sought !== SECRET_KEYS || mayHaveParameters(text)) return redactJson(value.read())
  let out = ''
  let copied = 0
  for (let at = 0; at < found.length; at += 2) {
    const secret = text.slice(found[at], found[at + 1])
    if (secret === 'null' || secret === 'true' || secret === 'false' || (secret.startsWith('"') && isHidden(secret.slice(1, -1)))) continue
    out += `${text.slice(copied, found[at])}"${REDACTED}"`
    copied = found[at + 1]!
  }
  return copied === 0 ? value : new UnreadJson(out + text.slice(copied), sought, [])
}
