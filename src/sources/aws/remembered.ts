/** Values that are made once and shared, so that what follows can tell by identity that they are the same. */

/** The bound is for hostile input: what comes again is made again. */
const MOST_REMEMBERED = 4096

type Key = string | undefined

/** What `make` makes of two texts, made once for each pair. */
export function remembered<T extends object>(make: (one: Key, two: Key) => T): (one: Key, two: Key) => T {
  const known = new Map<Key, Map<Key, T>>()
  let count = 0
  return (one, two) => {
    let value = known.get(one)?.get(two)
    if (value !== undefined) return value
    if (count === MOST_REMEMBERED) {
      known.clear()
      count = 0
    }
    value = make(one, two)
    count++
    let byTwo = known.get(one)
    if (byTwo === undefined) {
      byTwo = new Map()
      known.set(one, byTwo)
    }
    byTwo.set(two, value)
    return value
  }
}

/** Longer texts hardly ever come again. */
const LONGEST = 512

/** Sets a value that can be worked out again, in a map that stays small. */
export function remember<T>(known: Map<string, T>, key: string, value: T): void {
  if (key.length > LONGEST) return
  if (known.size >= MOST_REMEMBERED) known.clear()
  known.set(key, value)
}
