/** Learns the pattern of a record from two events of it, with marks in place of what is copied. */
import { rawText } from '../decode/decoder.js'
import { jsonPasser } from '../decode/json-late.js'
import { type MemberRow, OBJECT_MEMBER } from '../decode/json-members.js'
import { isJsonObject, type Json, type JsonObject, parseJson, put, UnreadJson } from '../json.js'
import { ipVersion } from '../ocsf/ip.js'
import { msFromIso } from '../ocsf/time.js'
import type { Pattern } from '../rows.js'
import type { Context } from '../sources/source.js'
import { uidOf } from './duplicates.js'
import { COPIED, copiedWord, type Member, type MemberLeaves, type MemberPatterns } from './member-patterns.js'
import { eventOf, patternFrom } from './patterns.js'
import type { Pipeline } from './pipeline.js'

/** Which of the two events. */
type Which = 0 | 1

/** The pattern of a record; `'read'` when objects are looked into that are mostly passed on, `undefined` when it has none. */
export function learnMembers(
  patterns: MemberPatterns,
  plan: readonly (Member | undefined)[],
  row: MemberRow,
  raw: Uint8Array,
  pipeline: Pipeline,
  context: Context,
): Pattern | 'read' | undefined {
  const record = parseJson(rawText(raw)!) as JsonObject // it was read as one
  const asked = new Set<PropertyKey>()
  const watched = new Proxy(context, {
    get(target, name) {
      asked.add(name)
      return target[name as keyof Context]
    },
  })
  let isRead = false
  let isLost = false
  const onRead = (): void => {
    isRead = true
  }
  patterns.marked++
  const recordOf = (which: Which): object => {
    const out: Record<string, Json | undefined> = {}
    for (const [at, name] of Object.keys(record).entries()) {
      const own = plan[at]
      const value = record[name]!
      const isCopied =
        own !== undefined &&
        (row.kinds[at]! <= OBJECT_MEMBER ? own.copied.as !== 'json' || row.kinds[at] === OBJECT_MEMBER : copiedWord(patterns, row, at, own.copied) <= COPIED)
      const marked = isCopied ? markedMember(patterns, own, value, which, onRead) : value
      isLost ||= marked === undefined
      put(out, name, marked)
    }
    return out
  }
  const one = eventOf(patterns.source, recordOf(0), watched)
  const other = eventOf(patterns.source, recordOf(1), watched)
  if (isLost) return undefined
  if (isRead) return 'read'
  if (one === undefined || other === undefined || !pipeline.classes.has(one.class_uid)) return undefined
  for (const name of asked) if (name !== 'version') return undefined
  const uids = [uidOf(one), uidOf(other)] as const
  const uid = uids[0] === undefined ? undefined : patterns.marks[0].get(uids[0])
  if (uids[0] !== undefined && (uid === undefined || uids[0] === uids[1] || patterns.marks[1].get(uids[1]) !== uid)) return undefined
  const pattern = patternFrom([one, other], patterns.marks)
  return pattern && { ...pattern, uid }
}

/** Another text, or object, in place of what a member copies; it says which of the copied values it is. */
function markedMember(patterns: MemberPatterns, { copied, leaves, text, number }: Member, value: Json, which: Which, onRead: () => void): Json | undefined {
  const { marked } = patterns
  const known = patterns.marks[which]
  switch (copied.as) {
    case 'leaves':
      return markedLeaves(patterns, leaves!, value, which)
    case 'json': {
      const read = patterns.isRead ? markedLeaves(patterns, leaves!, value, which) : null
      if (read === undefined) return undefined
      const json = patterns.isRead ? JSON.stringify(read) : `{"mark":"${which}.${marked}.${text}"}`
      const bytes = new TextEncoder().encode(`${json},   `)
      const unread = jsonPasser(copied.sought).late(bytes, new DataView(bytes.buffer), 0, bytes.length)
      if (unread === undefined) return undefined
      known.set(copied.print(unread), text)
      return (patterns.isRead ? unread : new Watched(unread, onRead)) as unknown as JsonObject
    }
    case 'time': {
      const mark = timeMark(which, marked, text)
      known.set(mark, text)
      known.set(msFromIso(mark), number)
      return mark
    }
    case 'address': {
      const mark = ipVersion(String(value)) === 4 ? `203.0.${which}.${text}` : `2001:db8::${which}:${text.toString(16)}`
      known.set(mark, text)
      return mark
    }
    case 'text': {
      const mark = `${String(value)}${textMark(which, marked, text)}`
      known.set(mark, text)
      return mark
    }
  }
}

/** What says nothing, to a mapper. */
export const isBlank = (text: string): boolean => text === '' || text === '-'

/** An object or list with others in place of its leaves; those that are the same stay the same. `undefined` where a mark says more than what it stands for. */
function markedLeaves(patterns: MemberPatterns, own: MemberLeaves, value: Json, which: Which): Json | undefined {
  const { marked } = patterns
  const known = patterns.marks[which]
  const { texts, counts = [], text, part, number } = own
  const some = new Map<string, string>()
  let count = 0
  let at = 0
  let parted = 0
  let isLost = false
  const times: string[] = []
  const walk = (one: Json): Json => {
    if (Array.isArray(one)) return (one as readonly Json[]).map(walk)
    if (!isJsonObject(one)) return one
    const out: Record<string, Json | undefined> = {}
    for (const [name, member] of Object.entries(one)) put(out, name, member === undefined ? member : markedLeaf(name, member))
    return out
  }
  const markedLeaf = (name: string, member: Json): Json => {
    if (typeof member === 'number' && counts.includes(name) && Number.isSafeInteger(member) && member >= 0) {
      const mark = countMark(which, marked, number + count)
      known.set(mark, number + count++)
      return mark
    }
    const leaf = Object.hasOwn(texts, name) ? texts[name] : undefined
    if (leaf === undefined || typeof member !== 'string' || isBlank(member)) return walk(member)
    const mark = some.get(member) ?? (leaf.isTime === true ? timeMark(which, marked, text + at) : `${member}${textMark(which, marked, text + at)}`)
    if (!some.has(member)) known.set(mark, text + at)
    some.set(member, mark)
    if (leaf.isTime === true) times.push(mark)
    if (leaf.seen?.(mark) !== leaf.seen?.(member)) isLost = true
    if (leaf.part !== undefined) {
      const beside = leaf.part(mark)
      if ((beside === undefined) !== (leaf.part(member) === undefined)) isLost = true
      if (beside !== undefined && !known.has(beside)) known.set(beside, part + parted)
      parted++
    }
    at++
    return mark
  }
  const out = walk(value)
  for (const [nth, mark] of times.entries()) known.set(msFromIso(mark), number + count + nth)
  return isLost ? undefined : out
}

// The marks of a value, in the first and in the second event of a pattern: no two values share one, and no two events.
const textMark = (which: Which, marked: number, value: number): string => `\u007f${which}.${marked}.${value}`
const countMark = (which: Which, marked: number, value: number): number => 2 ** 40 * (which + 1) + marked * 2 ** 8 + value

/** A time that no log has. */
function timeMark(which: Which, marked: number, value: number): string {
  return new Date(Date.UTC(1980 + which * 8, 0, 1) + marked * 7_200_000 + value * 1000).toISOString().replace('.000Z', 'Z')
}

/** Says when it is looked into. */
class Watched extends UnreadJson {
  readonly #onRead: () => void

  constructor({ text, sought, found }: UnreadJson, onRead: () => void) {
    super(text, sought, found)
    this.#onRead = onRead
  }

  override read(): JsonObject {
    this.#onRead()
    return super.read()
  }
}
