/** Which source an object belongs to. */
import type { Fault } from './decode/decoder.js'
import type { AnySource, Head } from './sources/source.js'

/**
 * How sure a choice is: the operator has said so, the key has the layout that the service writes, or the first 64 KiB
 * look like no other source.
 */
export type Certainty = 'option' | 'key' | 'content'

/** A source, the name under which a whole object is skipped, or the fault `source_unknown`. */
export type Choice = { readonly source: AnySource; readonly by: Certainty } | { readonly skip: string } | { readonly fault: Fault }

/** By key first, then by content; exactly one of the sources must answer. `fixed`: the operator has said which. */
export function chooseSource(head: Head, sources: readonly AnySource[], fixed: AnySource | undefined): Choice {
  if (fixed !== undefined) {
    const answer = fixed.recognise(head)
    return typeof answer === 'object' ? answer : { source: fixed, by: 'option' }
  }
  const answers = sources.map(source => ({ source, answer: source.recognise(head) }))
  const skip = answers.find(({ answer }) => typeof answer === 'object')?.answer
  if (typeof skip === 'object') return skip
  for (const how of ['key', 'content'] as const) {
    const found = answers.filter(({ answer }) => answer === how)
    if (found.length === 1) return { source: found[0]!.source, by: how }
    if (found.length > 1) return unknownSource(`${found.length} sources claim it by its ${how}: ${found.map(({ source }) => source.id).join(', ')}`)
  }
  return unknownSource('none knows its key or its content')
}

function unknownSource(found: string): { readonly fault: Fault } {
  return { fault: { rule: 'source_unknown', expected: 'a log that exactly one source recognises', found } }
}
