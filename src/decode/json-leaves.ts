/**
 * Reads objects and lists that mostly differ from others in a few leaves: what stands between those is compared with what
 * stood there before, so that nothing is taken apart.
 */
import { type Interner, LONGEST_INTERNED } from './interner.js'
import { type Literal, literalOf } from './json-shapes.js'

/** Names of members, at any depth. */
export interface LeafNames {
  /** Whose texts are leaves, but for an empty one and a dash. */
  readonly texts: readonly string[]
  /** Whose whole numbers are. */
  readonly counts: readonly string[]
  /** What is left to others, by what it finds in the text. */
  readonly never?: RegExp | undefined
}

/** The leaves of what was read last, in their order: the texts, and the counts apart from them. */
export interface Leaves {
  /** Stands for all but the leaves, and for which of the texts are the same; above 0, and never that of others. */
  key: number
  texts: number
  counts: number
  /** Of each text: the place of its name, where it stands among the texts that are interned (-1 for one that does not), and in the bytes. */
  readonly names: Int32Array
  readonly ids: Int32Array
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly numbers: Float64Array
  /** For whoever makes a text of one without a number. */
  readonly own: string[]
}

export interface LeafReader extends Leaves {
  /** Reads what opens at `at` and returns its end; -1 when it is like nothing before, or ends too near to `end`. `view` is of all bytes. */
  read(bytes: Uint8Array, view: DataView, at: number, end: number): number
  /** Learns JSON as it is printed, in ASCII and without escapes. */
  learn(json: string): void
}

interface Leaf {
  /** Place of its name; -1 for a count. */
  readonly name: number
  // How many texts were new, and how many were known.
  fresh: number
  known: number
}

interface Template {
  readonly key: number
  readonly literals: readonly Literal[]
  /** Between two of them each. */
  readonly leaves: readonly Leaf[]
  readonly texts: number
}

const MOST_LEAVES = 16
/** What has more kinds than this is left to others. */
const MOST_TEMPLATES = 64
const MOST_KEYS = 2 ** 12
/** Every count of so many digits is exact. */
const MOST_DIGITS = 15
/** Texts that hardly ever repeat are not looked up; now and then they get another chance. */
const TRIAL = 64
const PATIENCE = 2 ** 16

export function createLeafReader(asked: LeafNames, interner: Interner): LeafReader {
  /** What was met most stands in front. */
  const templates: Template[] = []
  const learned = new Set<string>()
  /** By template and which texts are the same. */
  const keys = new Map<string, number>()
  let lastKey = 0
  const ints = (): Int32Array => new Int32Array(MOST_LEAVES)
  const [names, ids, starts, ends, hashes, tails] = [ints(), ints(), ints(), ints(), ints(), ints()]
  const numbers = new Float64Array(MOST_LEAVES)

  const match = ({ literals, leaves }: Template, bytes: Uint8Array, view: DataView, from: number, lastWord: number): number => {
    let at = from
    let text = 0
    let count = 0
    for (let part = 0; ; part++) {
      const { words, length, mask, tail } = literals[part]!
      if (at + length > lastWord) return -1
      for (let word = 0; word < words.length; word++, at += 4) if (view.getInt32(at, true) !== words[word]) return -1
      if ((view.getInt32(at, true) & mask) !== tail) return -1
      at += length & 3
      if (part === leaves.length) return at
      const start = at
      const { name } = leaves[part]!
      if (name === -1) {
        let value = 0
        for (let byte = bytes[at]!; byte >= 48 && byte <= 57; byte = bytes[++at]!) value = value * 10 + byte - 48
        if (at === start || at - start > MOST_DIGITS || (bytes[start] === 48 && at > start + 1)) return -1
        numbers[count++] = value
        continue
      }
      let hash = 0
      for (;;) {
        if (at > lastWord) return -1
        const x = view.getInt32(at, true)
        const quote = x ^ 0x22222222
        const escaped = x ^ 0x5c5c5c5c
        const special = (((quote - 0x01010101) & ~quote) | ((escaped - 0x01010101) & ~escaped) | ((x - 0x20202020) & ~x) | x) & 0x80808080
        if (special !== 0) {
          const left = (31 - Math.clz32(special & -special)) & ~7
          at += left >> 3
          tails[text] = x & ((1 << left) - 1)
          break
        }
        hash = Math.imul(hash ^ x, 0x9e3779b1)
        hash ^= hash >>> 15
        at += 4
      }
      if (at === start || (at === start + 1 && bytes[start] === 45)) return -1
      names[text] = name
      hashes[text] = hash
      starts[text] = start
      ends[text++] = at
    }
  }

  const idOf = (leaf: Leaf, bytes: Uint8Array, view: DataView, text: number): number => {
    const start = starts[text]!
    const end = ends[text]!
    if (end - start > LONGEST_INTERNED || (leaf.fresh > TRIAL && leaf.fresh > 2 * leaf.known)) {
      if (++leaf.fresh > PATIENCE) leaf.fresh = leaf.known = 0
      return -1
    }
    const id = interner.numberOf(bytes, view, start, end, hashes[text]!, tails[text]!)
    if (interner.fresh) leaf.fresh++
    else leaf.known++
    return id
  }

  const isSame = (bytes: Uint8Array, one: number, other: number): boolean => {
    const length = ends[one]! - starts[one]!
    if (ends[other]! - starts[other]! !== length) return false
    for (let at = length - 1; at >= 0; at--) if (bytes[starts[one]! + at] !== bytes[starts[other]! + at]) return false
    return true
  }

  /** The key of what was read; -1 when there are too many. */
  const keyOf = ({ key, texts }: Template, bytes: Uint8Array): number => {
    let same = ''
    for (let one = 1; one < texts; one++)
      for (let other = 0; other < one; other++)
        if (isSame(bytes, one, other)) {
          same += ` ${one}=${other}`
          break
        }
    if (same === '') return key
    const name = `${key}${same}`
    let found = keys.get(name)
    if (found === undefined) {
      if (keys.size === MOST_KEYS) return -1
      found = ++lastKey
      keys.set(name, found)
    }
    return found
  }

  const reader: LeafReader = {
    key: 0,
    texts: 0,
    counts: 0,
    names,
    ids,
    starts,
    ends,
    numbers,
    own: new Array<string>(MOST_LEAVES).fill(''),
    read(bytes, view, at, end) {
      for (let i = 0; i < templates.length; i++) {
        const template = templates[i]!
        const past = match(template, bytes, view, at, end - 4)
        if (past === -1) continue
        if (i > 0) {
          templates[i] = templates[i - 1]!
          templates[i - 1] = template
        }
        const { leaves, texts } = template
        let text = 0
        for (let leaf = 0; leaf < leaves.length; leaf++) if (leaves[leaf]!.name !== -1) ids[text] = idOf(leaves[leaf]!, bytes, view, text++)
        reader.texts = texts
        reader.counts = leaves.length - texts
        reader.key = keyOf(template, bytes)
        return reader.key === -1 ? -1 : past
      }
      return -1
    },
    learn(json) {
      if (asked.never?.test(json) === true) return
      const found = leavesIn(json, asked)
      const name = found.reduceRight((rest, { start, end, name: which }) => `${rest.slice(0, start)}\u0000${which}\u0000${rest.slice(end)}`, json)
      if (templates.length === MOST_TEMPLATES || found.length > MOST_LEAVES || learned.has(name)) return
      learned.add(name)
      const froms = [0, ...found.map(({ end }) => end)]
      const tos = [...found.map(({ start }) => start), json.length]
      const literals = froms.map((from, at) => literalOf(json.slice(from, tos[at])))
      const leaves = found.map(({ name: which }) => ({ name: which, fresh: 0, known: 0 }))
      templates.push({ key: ++lastKey, literals, leaves, texts: leaves.filter(leaf => leaf.name !== -1).length })
    },
  }
  return reader
}

/** Where the leaves stand, and the places of their names. */
function leavesIn(json: string, { texts, counts }: LeafNames): { readonly name: number; readonly start: number; readonly end: number }[] {
  const found: { name: number; start: number; end: number }[] = []
  const open: string[] = []
  let key = ''
  for (let at = 0; at < json.length; at++) {
    const char = json[at]!
    if (char === '{' || char === '[') open.push(char)
    else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const start = at + 1
      const end = json.indexOf('"', start)
      at = end
      if (json[end + 1] === ':') {
        key = json.slice(start, end)
        at++
      } else if (open[open.length - 1] === '{' && texts.includes(key) && end > start && json.slice(start, end) !== '-') {
        found.push({ name: texts.indexOf(key), start, end })
      }
    } else if (char !== ',') {
      let end = at + 1
      while (!',}]'.includes(json[end]!)) end++
      if (open[open.length - 1] === '{' && counts.includes(key) && /^\d+$/.test(json.slice(at, end))) found.push({ name: -1, start: at, end })
      at = end - 1
    }
  }
  return found
}
