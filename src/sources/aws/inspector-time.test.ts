import { describe, expect, it } from 'vitest'
import { instant } from './inspector-time.js'

const AT = Date.UTC(2026, 2, 14, 9, 26, 53, 123)

describe('instant', () => {
  it('reads every spelling of the same time', () => {
    for (const spelling of [
      '2026-03-14T09:26:53.123Z',
      '2026-03-14T10:26:53.123000+01:00',
      'Sat Mar 14 09:26:53.123 UTC 2026',
      1773480413.123,
      1773480413123,
      { __class__: 'datetime', year: 2026, month: 3, day: 14, hour: 9, minute: 26, second: 53, microsecond: 123000 },
    ])
      expect(instant(spelling), JSON.stringify(spelling)).toBe(AT)
    expect(instant('Mar 14, 2026, 9:26:53 AM')).toBe(AT - 123)
  })

  it('does not read what it would have to bend', () => {
    const recorded = { __class__: 'datetime', year: 2026, month: 3, day: 14, hour: 9, minute: 26, second: 53, microsecond: 123000 }
    for (const value of [
      undefined,
      null,
      '',
      'yesterday',
      true,
      {},
      [],
      { ...recorded, microsecond: 123456 },
      { ...recorded, day: '14' },
      { ...recorded, tzinfo: 'CET' },
    ])
      expect(instant(value), JSON.stringify(value)).toBeUndefined()
  })
})
