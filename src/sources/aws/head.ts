/** Reading the start of an object for recognition. */
import { parseJson } from '../../json.js'
import type { Head } from '../source.js'

/**
 * The text of the first JSON record in the head: its first line where that is a whole document, so that what stands in
 * later lines does not make the file another log; else all of the head. Empty when no JSON starts there.
 */
export function firstJson({ text }: Head): string {
  const start = text.search(/[^\s\ufeff]/)
  if (start === -1 || (text[start] !== '{' && text[start] !== '[')) return ''
  const end = text.indexOf('\n', start)
  const line = text.slice(start, end === -1 ? text.length : end)
  try {
    parseJson(line)
    return line
  } catch {
    return text.slice(start)
  }
}
