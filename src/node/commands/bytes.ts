/** Sizes as options say them. */
import { OcsfLakeError } from '../../errors.js'

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/**
 * `64MB` and the like, where M is 2^20.
 *
 * @throws OcsfLakeError `option_invalid`
 */
export function parseBytes(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text)
  if (found === null) throw new OcsfLakeError('option_invalid', 'Give a number of bytes, e.g. 64MB.')
  return Math.floor(Number(found[1]) * UNITS[found[2]!.toLowerCase()]!)
}
