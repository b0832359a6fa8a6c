/** The times of Inspector findings: no two of its outputs spell them alike. */
import { isJsonObject, type Json } from '../../json.js'
import { msFromJavaDate } from '../../ocsf/time.js'
import { moment } from './values.js'

/** Epoch milliseconds of ISO 8601 text, of a number of seconds or milliseconds, of a time as Java prints it, or of a `datetime` that placebo recorded from boto3. */
export function instant(value: Json | undefined): number | undefined {
  if (typeof value === 'string') return moment(value) ?? msFromJavaDate(value)
  return isJsonObject(value) && value.__class__ === 'datetime' ? recorded(value) : moment(value)
}

const PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond']

function recorded(datetime: { readonly [part: string]: Json | undefined }): number | undefined {
  const [year = 0, month = 0, day, hour, minute, second, microsecond = 0] = PARTS.map(part => {
    const value = datetime[part]
    return typeof value === 'number' ? value : Number.NaN
  })
  // sub-millisecond digits would be lost
  const ms = Number.isInteger(microsecond / 1000) ? Date.UTC(year, month - 1, day, hour, minute, second, microsecond / 1000) : Number.NaN
  return Number.isNaN(ms) || Object.keys(datetime).length !== PARTS.length + 1 ? undefined : ms
}
