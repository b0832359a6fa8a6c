/** RFC 3339 text and epoch milliseconds, without a Date object per record or the local time zone. */

const DAY_MS = 86_400_000

/** Two digits as a number; NaN for anything else. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

// Logs hold few days: the last one is not worked out again.
let knownDay = -1
let knownDayMs = 0

/** Epoch milliseconds of a date, or NaN when there is none like it. */
function dayMs(year: number, month: number, day: number): number {
  const key = (year * 100 + month) * 100 + day
  if (key === knownDay) return knownDayMs
  const date = new Date(0)
  const ms = date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN
  knownDay = key
  knownDayMs = ms
  return ms
}

/** Milliseconds of `23:59:59`; NaN for anything else. */
function clockMs(text: string, at: number): number {
  const hour = two(text, at)
  const minute = two(text, at + 3)
  const second = two(text, at + 6)
  const known = text[at + 2] === ':' && text[at + 5] === ':' && hour <= 23 && minute <= 59 && second <= 60
  return known ? hour * 3_600_000 + minute * 60_000 + second * 1000 : Number.NaN
}

/** Milliseconds of the zone whose sign is at `at`; NaN for none. */
function zoneMs(text: string, at: number, minutesAt: number): number {
  const hour = two(text, at + 1)
  const minute = two(text, minutesAt)
  return hour <= 23 && minute <= 59 ? (hour * 60 + minute) * (text[at] === '-' ? -60_000 : 60_000) : Number.NaN
}

/**
 * Epoch milliseconds of `2024-05-01T00:00:00Z` and its RFC 3339 kin: a fraction of any length (cut to ms), `T` or a
 * space, `Z`, `+hh:mm`, `+hhmm`, or no zone (UTC, as AWS means it). `undefined` for anything else.
 */
export function msFromIso(text: string): number | undefined {
  const { length } = text
  if (length < 19 || text[4] !== '-' || text[7] !== '-') return undefined
  const separator = text[10]
  if (separator !== 'T' && separator !== 't' && separator !== ' ') return undefined
  const ms = dayMs(two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8)) + clockMs(text, 11)
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
    offset = zoneMs(text, at, at + 3 + colon)
    at += 5 + colon
  }
  const all = ms + fraction - offset
  return at !== length || Number.isNaN(all) ? undefined : all
}

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** Epoch milliseconds of `06/Feb/2019:00:00:38 +0000`, the time of the common log format. `undefined` for anything else. */
export function msFromCommonLog(text: string): number | undefined {
  if (text.length !== 26 || text[2] !== '/' || text[6] !== '/' || text[11] !== ':' || text[20] !== ' ') return undefined
  const sign = text[21]
  if (sign !== '+' && sign !== '-') return undefined
  // a third of a month is none
  const month = MONTHS.indexOf(text.slice(3, 6)) / 3
  const ms = dayMs(two(text, 7) * 100 + two(text, 9), month + 1, two(text, 0)) + clockMs(text, 12) - zoneMs(text, 21, 24)
  return Number.isNaN(ms) ? undefined : ms
}

const HTTP_DATE = /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) (?:GMT|UTC)$/

/** Epoch milliseconds of `Wed, 01 Aug 2018 06:27:57 GMT`, the time of HTTP and mail. The day of the week is not looked at. `undefined` for anything else. */
export function msFromHttpDate(text: string): number | undefined {
  const found = text.length > 32 ? null : HTTP_DATE.exec(text)
  if (found === null) return undefined
  return msFromParts(found[3]!, found[2]!, found[1]!.padStart(2, '0'), found[4]!)
}

const JAVA_DATE = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) (?:UTC|GMT) (\d{4})$/
const JAVA_MEDIUM = /^([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? (\d{1,2})(:\d\d:\d\d)[ \u202f]([AP])M$/

/**
 * Epoch milliseconds of a time as Java prints it: `Wed Sep 04 16:59:44.356 UTC 2024`, or `Nov 19, 2021, 10:46:22 PM`, which
 * is UTC too. The day of the week is not looked at. `undefined` for anything else.
 */
export function msFromJavaDate(text: string): number | undefined {
  if (text.length > 40) return undefined
  const date = JAVA_DATE.exec(text)
  if (date !== null) return msFromParts(date[4]!, date[1]!, date[2]!, date[3]!)
  const medium = JAVA_MEDIUM.exec(text)
  if (medium === null) return undefined
  const hour = Number(medium[4])
  if (hour < 1 || hour > 12) return undefined
  return msFromParts(medium[3]!, medium[1]!, medium[2]!.padStart(2, '0'), `${TWO[(hour % 12) + (medium[6] === 'P' ? 12 : 0)]}${medium[5]}`)
}

function msFromParts(year: string, monthName: string, day: string, clock: string): number | undefined {
  const month = MONTHS.indexOf(monthName)
  return month < 0 || month % 3 !== 0 ? undefined : msFromIso(`${year}-${TWO[month / 3 + 1]}-${day}T${clock}Z`)
}

const LIMIT = 8.64e15
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
