/** Which files are CloudTrail's. */

import { readObjectKey } from '../../decode/object-key.js'
import { parseJson } from '../../json.js'
import { HEAD_BYTES, type Head, type Recognition } from '../source.js'

const FOLDERS = new Set(['CloudTrail', 'CloudTrail-Insight', 'CloudTrail-NetworkActivity', 'CloudTrail-Aggregated'])
const DIGEST_CONTENT = /"digest(?:StartTime|EndTime|S3Object|S3Bucket)"\s*:/
const RECORD_CONTENT = /"(?:Records|eventVersion|detail-type)"\s*:/
// S3 event notifications have the same member names, but versions above 2
const EVENT_VERSION = /"eventVersion"\s*:\s*"1\.\d+"/
const EVENT_MEMBER = /"(?:eventSource|eventName|insightDetails|eventCategory)"\s*:/
const ENVELOPE = /"detail-type"\s*:\s*"AWS [^"]{0,60} via CloudTrail"/
const NO_RECORDS = /^\s*\{\s*"Records"\s*:\s*\[\s*\]\s*\}\s*$/

/** The first record of a file of lines: what stands in later lines does not make the file another log. */
function firstRecord(text: string): string {
  const line = /^\s*(.*)/.exec(text)?.[1] ?? ''
  try {
    parseJson(line)
    return line
  } catch {
    return text
  }
}

/** Recognises CloudTrail's folders and file names, its records in any layout, and the files it leaves beside them. */
export function recognise({ key, bytes, text: head }: Head): Recognition {
  const { service } = readObjectKey(key)
  if (service === 'CloudTrail-Digest') return { skip: 'digest' }
  if (service !== undefined && FOLDERS.has(service)) {
    // what CloudTrail and Config leave behind when they try whether they may write: a folder marker, or this file
    return key.endsWith('/') || key.endsWith('WritabilityCheckFile') || head.trim() === '{}' ? { skip: 'writability_check' } : 'key'
  }
  if (!/^\ufeff?\s*[{[]/.test(head)) return undefined
  const text = firstRecord(head.charCodeAt(0) === 0xfeff ? head.slice(1) : head)
  // a whole file is skipped only when all of it is in sight and no event is: else each digest is filtered by itself
  if (DIGEST_CONTENT.test(text)) return bytes.length < HEAD_BYTES && !RECORD_CONTENT.test(head) ? { skip: 'digest' } : 'content'
  if ((EVENT_VERSION.test(text) && EVENT_MEMBER.test(text)) || ENVELOPE.test(text) || NO_RECORDS.test(text)) return 'content'
  return undefined
}
