import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoFromMs, msFromCommonLog, msFromHttpDate, msFromIso, msFromJavaDate, utcDay } from './time.js'

describe('msFromIso', () => {
  it('reads the forms that AWS logs use', () => {
    expect(msFromIso('2024-05-01T00:00:00Z')).toBe(Date.UTC(2024, 4, 1))
    expect(msFromIso('2024-02-29T23:59:59.123456Z')).toBe(Date.UTC(2024, 1, 29, 23, 59, 59, 123))
    expect(msFromIso('2020-11-06T23:00:50.000000+0000')).toBe(Date.UTC(2020, 10, 6, 23, 0, 50))
    expect(msFromIso('2025-07-11 15:26:43-04:00')).toBe(Date.UTC(2025, 6, 11, 19, 26, 43))
    expect(msFromIso('2025-07-11T15:26:43')).toBe(Date.UTC(2025, 6, 11, 15, 26, 43))
  })
  it('refuses what is no time', () => {
    for (const text of [
      '',
      '2024-05-01',
      '2024-13-01T00:00:00Z',
      '2023-02-29T00:00:00Z',
      '2024-05-01T24:00:00Z',
      '2024-05-01T00:00:00ZZ',
      '2024-05-01T00:00:00.Z',
      'May 1, 2024, 1:12:13 AM',
      '2024-05-01T00:00:00+9',
    ]) {
      expect(msFromIso(text), text).toBeUndefined()
    }
  })
  it('is the inverse of toISOString', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), date => {
        expect(msFromIso(date.toISOString())).toBe(date.getTime())
        expect(isoFromMs(date.getTime())).toBe(date.toISOString())
      }),
    )
  })
})

describe('utcDay', () => {
  it('does not depend on the local time zone', () => {
    expect(utcDay(Date.UTC(2026, 0, 1, 3))).toBe('20260101')
    expect(utcDay(Number.POSITIVE_INFINITY)).toBeUndefined()
  })
})

describe('msFromCommonLog', () => {
  it('reads the time of web servers and S3, with any zone', () => {
    expect(msFromCommonLog('06/Feb/2019:00:00:38 +0000')).toBe(Date.UTC(2019, 1, 6, 0, 0, 38))
    expect(msFromCommonLog('10/Oct/2000:13:55:36 -0700')).toBe(Date.UTC(2000, 9, 10, 20, 55, 36))
    expect(msFromCommonLog('29/Feb/2024:23:59:59 +0530')).toBe(Date.UTC(2024, 1, 29, 18, 29, 59))
  })
  it('refuses what is no time', () => {
    for (const text of [
      '',
      '06/Feb/2019:00:00:38',
      '06/feb/2019:00:00:38 +0000',
      '06/ebM/2019:00:00:38 +0000',
      '31/Feb/2019:00:00:38 +0000',
      '06/Feb/2019 00:00:38 +00000',
    ])
      expect(msFromCommonLog(text), text).toBeUndefined()
  })
})

describe('msFromHttpDate', () => {
  it('reads the time of HTTP and mail, with or without the day of the week', () => {
    expect(msFromHttpDate('Wed, 01 Aug 2018 06:27:57 GMT')).toBe(Date.UTC(2018, 7, 1, 6, 27, 57))
    expect(msFromHttpDate('3 Jun 2022 05:01:10 GMT')).toBe(Date.UTC(2022, 5, 3, 5, 1, 10))
  })
  it('refuses what is no such time', () => {
    for (const text of ['', 'Wed, 31 Feb 2018 06:27:57 GMT', 'Wed, 01 anF 2018 06:27:57 GMT', 'Wed, 01 Aug 2018 06:27:57', '2018-08-01T06:27:57Z']) {
      expect(msFromHttpDate(text), text).toBeUndefined()
    }
  })
})

it('reads each date that there is and no other, whatever was read before', () => {
  const part = fc.oneof(fc.integer({ min: 0, max: 31 }), fc.nat(99))
  const year = fc.constantFrom(1900, 1999, 2000, 2023, 2024, 9999)
  const pad = (n: number) => String(n).padStart(2, '0')
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  fc.assert(
    fc.property(year, part, part, part, part, part, (y, month, day, hour, minute, second) => {
      const date = new Date(Date.UTC(y, month - 1, day))
      const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour <= 23 && minute <= 59 && second <= 60
      const ms = exists ? date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 : undefined
      const time = `${pad(hour)}:${pad(minute)}:${pad(second)}`
      expect(msFromIso(`${y}-${pad(month)}-${pad(day)}T${time}Z`)).toBe(ms)
      expect(msFromCommonLog(`${pad(day)}/${months[month - 1] ?? 'Xyz'}/${y}:${time} +0000`)).toBe(ms)
    }),
    { numRuns: 5000 },
  )
})

describe('msFromJavaDate', () => {
  it('reads a Date, with and without milliseconds', () => {
    expect(msFromJavaDate('Wed Sep 04 16:59:44.356 UTC 2024')).toBe(Date.UTC(2024, 8, 4, 16, 59, 44, 356))
    expect(msFromJavaDate('Wed Sep 04 16:59:44 GMT 2024')).toBe(Date.UTC(2024, 8, 4, 16, 59, 44))
  })
  it('reads the medium format, also without the comma of older versions and with the narrow space of newer ones', () => {
    expect(msFromJavaDate('Nov 19, 2021, 10:46:22 PM')).toBe(Date.UTC(2021, 10, 19, 22, 46, 22))
    expect(msFromJavaDate('Nov 3, 2021, 12:00:00\u202fAM')).toBe(Date.UTC(2021, 10, 3))
    expect(msFromJavaDate('Nov 3, 2021 12:00:01 AM')).toBe(Date.UTC(2021, 10, 3, 0, 0, 1))
    expect(msFromJavaDate('Nov 3, 2021, 12:00:00 PM')).toBe(Date.UTC(2021, 10, 3, 12))
  })
  it('refuses what is no time', () => {
    for (const text of [
      '',
      'Wed Sep 04 16:59:44.356 CET 2024',
      'Wed Foo 04 16:59:44.356 UTC 2024',
      'Wed Sep 31 16:59:44.356 UTC 2024',
      'Wed epN 04 16:59:44.356 UTC 2024',
      'Nov 19, 2021, 13:46:22 PM',
      'Nov 19, 2021, 0:46:22 AM',
      'Nov 31, 2021, 10:46:22 PM',
      'Nov 19, 2021',
      `${' '.repeat(50)}`,
    ])
      expect(msFromJavaDate(text), text).toBeUndefined()
  })
})
