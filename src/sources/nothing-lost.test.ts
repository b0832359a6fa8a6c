/**
 * No raw leaf of a record is lost, whichever source reads it: each value of each fixture is replaced by a new one, and the
 * event must show the new one. A source gets this proof by having fixtures. What it shows in other words stands in
 * `fixtures/<id>/readings.json`.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, casesOf, contextOf, convertAs, readJson } from '../../fixtures/cases.js'
import { drawn, SHARE } from '../../fixtures/seed.js'
import { isJsonObject, type Json, type JsonObject, parseJson, stringify } from '../json.js'
import { VERSIONS } from '../ocsf/facts.js'
import { isoFromMs, msFromHttpDate, msFromIso, msFromJavaDate } from '../ocsf/time.js'
import { ms } from './aws/values.js'
import { SOURCES } from './index.js'
import type { AnySource } from './source.js'

/** `fixtures/<id>/readings.json`: what cannot be found in an event as the text it was. */
interface Readings {
  /** Path of a leaf (list indexes left out), `path=value` or its last name, and the named rule by which events do not hold it. */
  readonly dropped?: Readonly<Record<string, string>>
  /** A word of the log and the text by which events show it. */
  readonly words?: Readonly<Record<string, string>>
  /** Last names of leaves that are hexadecimal numbers. */
  readonly hex?: readonly string[]
}

// ---- leaves of records ----

interface Leaf {
  readonly path: readonly string[]
  readonly value: Json
}

function leavesOf(value: Json | undefined, path: readonly string[] = [], into: Leaf[] = []): Leaf[] {
  if (value === undefined) return into
  if (typeof value !== 'object' || value === null) into.push({ path, value })
  else for (const key of Object.keys(value)) leavesOf((value as JsonObject)[key], [...path, key], into)
  return into
}

function replaceAt(value: Json, path: readonly string[], next: Json): Json {
  const [key, ...rest] = path
  if (key === undefined) return next
  const copy: object = Array.isArray(value) ? [...value] : { ...(value as JsonObject) }
  const inner = (value as JsonObject)[key] ?? null
  Object.defineProperty(copy, key, { value: replaceAt(inner, rest, next), enumerable: true, configurable: true, writable: true })
  return copy as Json
}

/** A record as a tree whose leaves can be replaced: JSON, or the cells of a text, which are what stands between space, quotes and commas. */
interface Tree {
  readonly value: Json
  print(value: Json): string
}

const CELL = /[^\s",]+/g

function treeOf(raw: string): Tree {
  try {
    const value = parseJson(raw)
    if (isJsonObject(value)) return { value, print: stringify }
  } catch {
    // a text
  }
  const gaps = raw.split(CELL)
  return {
    value: raw.match(CELL) ?? [],
    print: value => (value as readonly Json[]).map((cell, i) => `${gaps[i]}${typeof cell === 'string' ? cell : stringify(cell)}`).join('') + gaps.at(-1),
  }
}

// ---- what an event shows ----

/** Every leaf of an event as text, its words, and other spellings of its times. */
function shownBy(event: unknown): Set<string> {
  const shown = new Set<string>()
  for (const { value } of leavesOf(event as Json)) {
    const text = String(value)
    shown.add(text)
    for (const cell of text.match(CELL) ?? []) shown.add(cell)
    if (text.includes('/')) for (const part of text.split('/')) shown.add(part)
    const iso = typeof value === 'number' && value > 1e9 ? isoFromMs(value) : undefined
    if (iso === undefined || typeof value !== 'number') continue
    const [date = '', time = ''] = iso.slice(0, -1).split('T')
    for (const spelling of [date, time, time.slice(0, 8), String(value / 1000), String(Math.floor(value / 1000))]) shown.add(spelling)
  }
  return shown
}

/** JSON that stands in a text, as some deliveries write it. */
function jsonIn(value: Json): Json | undefined {
  if (typeof value !== 'string' || !/^[{[]/.test(value)) return undefined
  try {
    return parseJson(value)
  } catch {
    return undefined
  }
}

const COMMON_LOG_TIME = /^\[?(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}:\d{2}:\d{2})/

/** That a named rule drops a leaf. */
function isDropped({ path, value }: Leaf, { dropped = {} }: Readings): boolean {
  const at = withoutIndexes(path)
  return [path.at(-1)!, at, `${at}=${String(value)}`].some(rule => Object.hasOwn(dropped, rule))
}

function isShown(value: Json, shown: ReadonlySet<string>, readings: Readings, name = ''): boolean {
  const { words = {}, hex = [] } = readings
  if (value === null || value === '' || value === '-') return true
  const text = String(value)
  // keywords are written in lower case, domain names without their last dot
  if (shown.has(text) || shown.has(text.toLowerCase()) || shown.has(text.replace(/\.$/, ''))) return true
  if (hex.includes(name) && shown.has(String(Number.parseInt(text, 16)))) return true
  // fingerprints are written without colons
  if (text.length > 30 && shown.has(text.replaceAll(':', '').toLowerCase())) return true
  const word = Object.hasOwn(words, text) ? words[text] : undefined
  if (word !== undefined && shown.has(word)) return true
  const time = ms(text) ?? msFromIso(text.replace(/^\[/, '')) ?? msFromHttpDate(text) ?? msFromJavaDate(text)
  if (time !== undefined && shown.has(String(time))) return true
  if (/^[+-]0000\]$/.test(text) || (text.endsWith(']') && shown.has(text.slice(0, -1)))) return true
  const common = COMMON_LOG_TIME.exec(text)
  if (common !== null) return shown.has(text.replace('[', '')) || shown.has(String(Date.parse(`${common[1]} ${common[2]} ${common[3]} ${common[4]} +0000`)))
  if (text.trim() !== '' && shown.has(String(Number(text)))) return true
  if (/^(true|yes|false|no)$/i.test(text)) return shown.has(String(/^[ty]/i.test(text)))
  if (text.length >= 6 && [...shown].some(leaf => leaf.includes(text))) return true
  const inner = jsonIn(value)
  if (inner !== undefined) return leavesOf(inner).every(leaf => isDropped(leaf, readings) || isShown(leaf.value, shown, readings, leaf.path.at(-1)))
  const items = text.split(/,\s*/)
  if (items.length > 1 && items.every(item => isShown(item, shown, {}))) return true
  // percent-encoded, also several lines of it
  if (/%[0-9a-f]{2}/i.test(text)) {
    const lines = decoded(text).trim().split(/\r?\n/)
    if (lines.every(line => isShown(line.trim(), shown, {}))) return true
  }
  const colon = text.lastIndexOf(':')
  if (colon > 0 && shown.has(text.slice(0, colon)) && shown.has(text.slice(colon + 1))) return true
  const parts = text.split(':')
  return parts.length > 1 && parts.every(part => isShown(part, shown, {}))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return '\0'
  }
}

// ---- new values ----

/** The value as it could have been instead: one digit or letter changed, so that it is of the same kind. */
function* alike(value: Json): Generator<Json> {
  if (typeof value === 'boolean') yield !value
  else if (typeof value === 'number') for (let step = 1; step < 9; step++) yield value + step
  else if (typeof value === 'bigint') yield value + 1n
  else if (typeof value === 'string')
    for (const [kind, first, size] of [
      [/\d/, 48, 10],
      [/[a-z]/, 97, 26],
      [/[A-Z]/, 65, 26],
    ] as const)
      for (let at = value.length - 1; at >= 0; at--)
        if (kind.test(value[at]!))
          for (let step = 1; step < size; step++) {
            const code = first + ((value.charCodeAt(at) - first + step) % size)
            yield value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1)
          }
}

function newValue(value: Json, shown: ReadonlySet<string>): Json | undefined {
  let tries = 0
  for (const candidate of alike(value)) {
    if (typeof candidate === 'boolean' || !isShown(candidate, shown, {})) return candidate
    if (++tries === 60) return undefined
  }
  return undefined
}

const KINDS = ['token', 'number', 'bigint', 'object', 'list', 'true', 'null', 'dash', 'nested'] as const

function valueOfKind(kind: (typeof KINDS)[number], id: number): Json {
  const token = `tok${id}`
  switch (kind) {
    case 'token':
      return token
    case 'number':
      return id + 0.5
    case 'bigint':
      return 2n ** 60n + BigInt(id)
    case 'object':
      return { x: token }
    case 'list':
      return [token, { y: `${token}b` }]
    case 'true':
      return true
    case 'null':
      return null
    case 'dash':
      return '-'
    case 'nested':
      return parseJson(`{"__proto__":{"a":"${token}"},"constructor":["${token}c"],"empty":{},"none":[]}`)
  }
}

// ---- the records of the fixtures ----

interface Found {
  readonly file: string
  /** The object around the record. */
  readonly before: Uint8Array
  readonly after: Uint8Array
  /** Which outcome of the object is the record's. */
  readonly index: number
  /** What names the cells of a table's record. */
  readonly preface: string | undefined
  readonly tree: Tree
}

const MOST_BYTES = 2 ** 17

/** Every record that becomes an event and stands in its object as text. */
async function recordsOf(source: AnySource): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const file of casesOf(source)) {
    const bytes = Buffer.from(bytesOf(source, file))
    if (bytes.length > MOST_BYTES) continue
    const { outcomes } = await convertAs(source, file, '1.8.0', [bytes])
    const decoder = source.decoder({ ...contextOf(source, file), version: '1.8.0' })
    let at = 0
    let index = 0
    const emit: Parameters<typeof decoder.push>[1] = item => {
      const start = bytes.indexOf(item.raw, at)
      if (start >= 0 && item.raw.length > 0) {
        at = start + item.raw.length
        const tree = treeOf(Buffer.from(item.raw).toString())
        if (outcomes[index]?.kind === 'event')
          found.push({ file, before: bytes.subarray(0, start), after: bytes.subarray(at), index, preface: decoder.preface?.(), tree })
      }
      index++
    }
    decoder.push(bytes, emit)
    decoder.end(emit)
  }
  return found
}

/** The same leaf in many fixtures is tried in the first few: of records in JSON by its path, of texts by its place in a line of that length. */
const MOST_TRIED = { json: 2, text: 6 }

function isNew(seen: Map<string, number>, { tree }: Found, { path }: Leaf): boolean {
  const isText = Array.isArray(tree.value)
  const key = isText ? `${(tree.value as readonly Json[]).length} ${path[0]}` : withoutIndexes(path)
  const times = seen.get(key) ?? 0
  seen.set(key, times + 1)
  return times < (isText ? MOST_TRIED.text : MOST_TRIED.json)
}

const withoutIndexes = (path: readonly string[]) => path.filter(key => !/^\d+$/.test(key)).join('.')

/** The leaves that an event must show: not those that a rule drops, nor the secrets. */
function wanted(source: AnySource, readings: Readings, text: string, preface: string | undefined): Leaf[] {
  const leaves = leavesOf(treeOf(text).value)
  const redacted = source.redact === undefined ? leaves : leavesOf(treeOf(source.redact(text, preface)).value)
  const kept = new Map(redacted.map(({ path, value }) => [path.join('\n'), value]))
  return leaves.filter(({ path, value }) => {
    if (isDropped({ path, value }, readings)) return false
    return String(kept.get(path.join('\n'))) === String(value)
  })
}

const converted = async (source: AnySource, { file, before, after, index }: Found, text: string, version: (typeof VERSIONS)[number]) => {
  const { in: records, outcomes } = await convertAs(source, file, version, [Buffer.concat([before, Buffer.from(text), after])], { observables: false })
  expect(outcomes).toHaveLength(records)
  return outcomes[index]
}

const nameOf = ({ path, value }: Leaf) => `${path.join('.')}=${String(value)}`

for (const source of SOURCES) {
  describe(source.id, () => {
    const readings = readJson<Readings>(source, 'readings.json', {})

    it('shows each leaf of each fixture, as it is and as a new value', async () => {
      const lost = new Set<string>()
      const seen = new Map<string, number>()
      let turn = 0
      let leaves = 0
      const stride = Math.round(1 / SHARE)
      let events = 0
      let tried = 0
      for (const record of await recordsOf(source)) {
        const { value, print } = record.tree
        const original = await converted(source, record, print(value), '1.8.0')
        if (original?.kind !== 'event') throw new Error(`${record.file}: no event`)
        const shown = shownBy(original.event)
        for (const leaf of leavesOf(value)) {
          if (!isNew(seen, record, leaf) || ++leaves % stride !== 0) continue
          for (const next of [newValue(leaf.value, shown), leaf.value === null ? undefined : `tok${1e6 + turn}`]) {
            if (next === undefined) continue
            const text = print(replaceAt(value, leaf.path, next))
            const outcome = await converted(source, record, text, VERSIONS[turn++ % VERSIONS.length]!)
            tried++
            if (outcome?.kind !== 'event') continue
            events++
            const after = shownBy(outcome.event)
            const changed = wanted(source, readings, text, record.preface).find(({ path }) => path.join('\n') === leaf.path.join('\n'))
            if (changed !== undefined && !isShown(changed.value, after, readings, leaf.path.at(-1)))
              lost.add(`${record.file} ${nameOf(changed)}, was ${String(leaf.value)}`)
          }
        }
      }
      expect([...lost]).toEqual([])
      expect(events).toBeGreaterThan(drawn(tried / 2))
      expect(events).toBeGreaterThan(drawn(20))
    }, 180_000)

    it('shows what stands in a record, whatever else is changed or added in it', async () => {
      const records = await recordsOf(source)
      const change = fc.record({ at: fc.nat(), kind: fc.constantFrom(...KINDS), add: fc.boolean(), depth: fc.nat(3) })
      let events = 0
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }), fc.constantFrom(...VERSIONS), async (which, changes, version) => {
          const record = records[which % records.length]!
          const isText = Array.isArray(record.tree.value)
          let value = record.tree.value
          changes.forEach(({ at, kind, add, depth }, i) => {
            const all = leavesOf(value)
            const { path } = all[at % all.length]!
            const id = 1e6 + (at % 1e6) * 10 + i
            // cells are texts, and one more or less of them is another record
            if (isText) value = replaceAt(value, path, kind === 'dash' || kind === 'null' ? '-' : String(valueOfKind(kind === 'number' ? kind : 'token', id)))
            else value = replaceAt(value, add ? [...path.slice(0, Math.min(depth, path.length - 1)), `added${i}`] : path, valueOfKind(kind, id))
          })
          const text = record.tree.print(value)
          const original = await converted(source, record, record.tree.print(record.tree.value), version)
          const outcome = await converted(source, record, text, version)
          if (original?.kind !== 'event' || outcome?.kind !== 'event') return
          events++
          const before = shownBy(original.event)
          const after = shownBy(outcome.event)
          // a word that only ids say is told by its golden; what is new, or was shown, is to be shown
          const old = new Set(leavesOf(record.tree.value).map(nameOf))
          const lost = wanted(source, readings, text, record.preface).filter(
            leaf =>
              !(old.has(nameOf(leaf)) && !isShown(leaf.value, before, readings, leaf.path.at(-1))) && !isShown(leaf.value, after, readings, leaf.path.at(-1)),
          )
          expect(lost.map(nameOf)).toEqual([])
        }),
        { numRuns: drawn(250) },
      )
      expect(events).toBeGreaterThan(drawn(50))
    }, 180_000)
  })
}
