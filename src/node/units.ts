/** The units of a run: which inputs belong together, and what each unit is called. */
import { createHash } from 'node:crypto'
import { hashOf } from '../lake/object-key.js'
import { isS3Url, s3Place, s3Unit } from '../lake/s3-url.js'
import type { Input } from './inputs.js'

/** One input, or a group of them: its objects depend on nothing outside of it but its name. */
export interface Unit {
  /** Its place in the run, from 0. */
  readonly index: number
  readonly inputs: readonly Input[]
}

/** One input a unit, or inputs in key order cut at counted stored bytes. */
export function unitsOf(inputs: readonly Input[], groupBytes: number | undefined): readonly Unit[] {
  const units: { index: number; inputs: Input[] }[] = []
  let bytes = 0
  for (const input of inputs) {
    const last = units.at(-1)
    if (last === undefined || groupBytes === undefined || bytes + input.size > groupBytes) {
      units.push({ index: units.length, inputs: [input] })
      bytes = input.size
    } else {
      last.inputs.push(input)
      bytes += input.size
    }
  }
  return units
}

/** What the inputs of a unit are: SHA-256 of the stored bytes of files, place and version of objects in S3. */
export async function contentOf(inputs: readonly Input[]): Promise<string> {
  const contents: string[] = []
  for (const input of inputs) {
    if (isS3Url(input.path)) {
      contents.push(s3Unit({ ...s3Place(input.path), etag: input.etag, versionId: input.versionId }))
      continue
    }
    const hash = createHash('sha256')
    try {
      for await (const chunk of input.open()) hash.update(chunk)
      contents.push(hash.digest('hex'))
    } catch {
      contents.push(input.key) // reading it again gives the reject
    }
  }
  return contents.length === 1 ? contents[0]! : hashOf(...contents.sort())
}

/** Runs what is given for each unit in the order of the units, as soon as it and all before it are there. */
export function inOrder(): (unit: Unit, act: () => void) => void {
  const waiting = new Map<number, () => void>()
  let next = 0
  return ({ index }, act) => {
    if (index < next) return
    waiting.set(index, act)
    for (let turn = waiting.get(next); turn !== undefined; turn = waiting.get(next)) {
      waiting.delete(next++)
      turn()
    }
  }
}

/** Names units by their content. */
export interface Names {
  /** Waits until all units before this one have a name or have failed, so that names do not depend on which job is quicker. */
  claim(unit: Unit, content: string): Promise<string>
  /** Nobody waits for this unit any longer. */
  fail(unit: Unit): void
}

export function createNames(): Names {
  const seen = new Set<string>()
  const turn = inOrder()
  return {
    claim: (unit, content) =>
      new Promise(resolve =>
        turn(unit, () => {
          // A second file with the same bytes may lie under another key, and the key can say the account or the time.
          resolve(seen.has(content) ? hashOf(content, ...unit.inputs.map(input => input.key)) : content)
          seen.add(content)
        }),
      ),
    fail: unit => turn(unit, () => {}),
  }
}
