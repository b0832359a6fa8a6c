/** Writes what records copy into a batch of rows. */
import type { Leaves } from '../decode/json-leaves.js'
import { type MemberRow, OBJECT_MEMBER } from '../decode/json-members.js'
import { msFromIso } from '../ocsf/time.js'
import { MOST_TEXTS } from '../rows.js'
import type { MemberCopy } from '../sources/source.js'
import { type MemberLeaves, type MemberPatterns, planOf } from './member-patterns.js'

/** What the records of a batch copy. */
export interface MemberBatch {
  readonly ids: Int32Array
  readonly numbers: Float64Array
  readonly own: string[]
}

/** Writes what a record copies, whose pattern was found last, into a batch at `at`; whether all of it can be copied. */
export function copyMembers(patterns: MemberPatterns, row: MemberRow, batch: MemberBatch, at: number): boolean {
  const plan = planOf(patterns, row)!
  const { copiedTexts, copiedNumbers } = patterns
  const { ids, numbers, own: texts } = batch
  const before = texts.length
  const firstText = at * copiedTexts
  const firstNumber = at * copiedNumbers - copiedTexts
  ids.fill(-1, firstText, firstText + copiedTexts)
  numbers.fill(Number.NaN, at * copiedNumbers, (at + 1) * copiedNumbers)
  for (let member = 0; member < plan.length; member++) {
    const own = plan[member]
    if (own === undefined) continue
    const kind = row.kinds[member]!
    const { copied } = own
    if (copied.as === 'leaves') {
      if (kind <= OBJECT_MEMBER) copyLeaves(patterns, own.leaves!, patterns.leaves[member]!, batch, firstText, firstNumber)
    } else if (copied.as === 'json') {
      if (kind !== OBJECT_MEMBER) continue
      const printed = printedJson(row, member, copied)
      if (printed === undefined) {
        texts.length = before
        return false
      }
      ids[firstText + own.text] = addOwn(batch, printed)
      if (patterns.isRead) copyLeaves(patterns, own.leaves!, patterns.leaves[member]!, batch, firstText, firstNumber)
    } else if (patterns.copied[member] === 1) {
      ids[firstText + own.text] = kind >= 0 ? kind : addOwn(batch, row.textOf(member))
      if (copied.as === 'time') numbers[firstNumber + own.number] = kind >= 0 ? patterns.times[kind]! : msFromIso(row.textOf(member))!
    }
  }
  return true
}

function printedJson(row: MemberRow, member: number, { except, print }: JsonCopy): string | undefined {
  const json = row.textOf(member)
  if (except?.test(json) === true) return undefined
  if (row.sought[member] === 0) return print(json)
  const unread = row.unreadOf(member)
  return unread === undefined ? undefined : print(unread)
}

type JsonCopy = Extract<MemberCopy, { readonly as: 'json' }>

function copyLeaves(patterns: MemberPatterns, own: MemberLeaves, leaves: Leaves, batch: MemberBatch, firstText: number, firstNumber: number): void {
  const { ids, numbers } = batch
  let number = firstNumber + own.number
  let beside = firstText + own.part
  for (let at = 0; at < leaves.counts; at++) numbers[number++] = leaves.numbers[at]!
  for (let at = 0; at < leaves.texts; at++) {
    const { isTime, part, parts } = own.leaves[leaves.names[at]!]!
    const id = leaves.ids[at]!
    if (id >= 0) {
      ids[firstText + own.text + at] = id
      if (part !== undefined) ids[beside++] = parts[id]! > 0 ? parts[id]! - 1 : -1
      if (isTime === true) numbers[number++] = patterns.times[id]!
      continue
    }
    const text = leaves.own[at]!
    ids[firstText + own.text + at] = addOwn(batch, text)
    if (isTime === true) numbers[number++] = msFromIso(text)!
    if (part === undefined) continue
    const some = part(text)
    ids[beside++] = some === undefined ? -1 : addOwn(batch, some)
  }
}

function addOwn({ own }: MemberBatch, text: string): number {
  return MOST_TEXTS + own.push(text) - 1
}
