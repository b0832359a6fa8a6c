/** RFC 3339 text and epoch milliseconds, without Date objects or the local time zone. */

/** Days from 1970-01-01 of a proleptic Gregorian date. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function digits(text: string, start: number, count: number): number {
  let value = 0
  for (let at = start; at < start + count; at++) {
    const digit = text.charCodeAt(at) - 48
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

/**
 * Epoch milliseconds of `2024-05-01T00:00:00Z` and its RFC 3339 kin: a fraction of any length (cut to ms), `T` or a
 * space, `Z`, `+hh:mm`, `+hhmm`, or no zone (UTC, as AWS means it). `undefined` for anything else.
 */
export function msFromIso(text: string): number | undefined {
  const length = text.length
  if (length < 19 || text[4] !== '-' || text[7] !== '-' || text[13] !== ':' || text[16] !== ':') return undefined
  const separator = text[10]
  if (separator !== 'T' && separator !== 't' && separator !== ' ') return undefined
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  const second = digits(text, 17, 2)
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= MONTH_DAYS[month - 1]! + (leap ? 1 : 0))) return undefined
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined
  let at = 19
  let fraction = 0
  if (text[at] === '.') {
    let scale = 100
    let digit = text.charCodeAt(++at) - 48
    if (!(digit >= 0 && digit <= 9)) return undefined
    while (digit >= 0 && digit <= 9) {
      fraction += digit * scale
      scale = scale === 1 ? 0 : scale / 10
      digit = text.charCodeAt(++at) - 48
    }
  }
  let offset = 0
  const zone = text[at]
  if (zone === 'Z' || zone === 'z') at++
  else if (zone === '+' || zone === '-') {
    const colon = text[at + 3] === ':' ? 1 : 0
    const zoneHour = digits(text, at + 1, 2)
    const zoneMinute = digits(text, at + 3 + colon, 2)
    if (!(zoneHour <= 23 && zoneMinute <= 59)) return undefined
    offset = (zoneHour * 60 + zoneMinute) * (zone === '-' ? -60_000 : 60_000)
    at += 5 + colon
  }
  if (at !== length) return undefined
  return daysFromCivil(year, month, day) * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + fraction - offset
}

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** Epoch milliseconds of `06/Feb/2019:00:00:38 +0000`, the time of the common log format. `undefined` for anything else. */
export function msFromCommonLog(text: string): number | undefined {
  if (text.length !== 26 || text[2] !== '/' || text[6] !== '/' || text[11] !== ':' || text[20] !== ' ') return undefined
  const month = MONTHS.indexOf(text.slice(3, 6))
  if (month < 0 || month % 3 !== 0) return undefined
  return msFromIso(`${text.slice(7, 11)}-${TWO[month / 3 + 1]}-${text.slice(0, 2)}T${text.slice(12, 20)}${text.slice(21)}`)
}

const HTTP_DATE = /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) (?:GMT|UTC)$/

/** Epoch milliseconds of `Wed, 01 Aug 2018 06:27:57 GMT`, the time of HTTP and mail. The day of the week is not looked at. `undefined` for anything else. */
export function msFromHttpDate(text: string): number | undefined {
  const found = text.length > 32 ? null : HTTP_DATE.exec(text)
  if (found === null) return undefined
  const month = MONTHS.indexOf(found[2]!)
  if (month < 0 || month % 3 !== 0) return undefined
  return msFromIso(`${found[3]}-${TWO[month / 3 + 1]}-${found[1]!.padStart(2, '0')}T${found[4]}Z`)
}

const LIMIT = 8.64e15
const DAY_MS = 86_400_000
const TWO = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
let lastMs = Number.NaN
let lastIso = ''
let lastDay = Number.NaN
let lastDate = ''

/** `2024-05-01T00:00:00.000Z`, or `undefined` for what no date can be. Logs hold few days, so a day is formatted once. */
export function isoFromMs(ms: number): string | undefined {
  if (ms === lastMs) return lastIso
  if (!Number.isInteger(ms) || ms < -LIMIT || ms > LIMIT) return undefined
  const day = Math.floor(ms / DAY_MS)
  if (day !== lastDay) {
    lastDate = new Date(day * DAY_MS).toISOString().slice(0, -13)
    lastDay = day
  }
  const rest = ms - day * DAY_MS
  const second = Math.floor(rest / 1000)
  const minute = Math.floor(second / 60)
  const milli = rest - second * 1000
  lastIso = `${lastDate}${TWO[Math.floor(minute / 60)]}:${TWO[minute % 60]}:${TWO[second % 60]}.${milli === 0 ? '000' : String(milli).padStart(3, '0')}Z`
  lastMs = ms
  return lastIso
}

/** The UTC day of a time, `20240501`: Security Lake's `eventDay`. `undefined` outside the years 0 to 9999. */
export function utcDay(ms: number): string | undefined {
  const iso = isoFromMs(ms)
  if (iso === undefined || iso.length !== 24) return undefined
  return iso.slice(0, 4) + iso.slice(5, 7) + iso.slice(8, 10)
}
