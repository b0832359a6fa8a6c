import { expect, it } from 'vitest'
import { countIn, countOutcome, emptyReport } from '../../lake/report.js'
import { metricLines } from './metrics.js'

it('counts rejects over all sources without a dimension, so that one alarm sees them', () => {
  const report = emptyReport('1.1.0')
  for (const source of ['vpc-flow', 'waf']) {
    countIn(report, source, 1)
    countOutcome(report, source, {
      kind: 'rejected',
      stage: 'decode',
      issues: [{ path: '', rule: 'fields_missing', expected: '14 fields', found: '3' }],
      raw: '',
      place: {},
    })
  }
  const [whole] = metricLines({ report, items: 1, failed: 0, skipped: 0, duration: 5 }, { namespace: 'OcsfLake', timestamp: 0 })
  expect(JSON.parse(whole!)).toEqual({
    _aws: {
      Timestamp: 0,
      CloudWatchMetrics: [
        {
          Namespace: 'OcsfLake',
          Dimensions: [[]],
          Metrics: [
            { Name: 'items', Unit: 'Count' },
            { Name: 'failed', Unit: 'Count' },
            { Name: 'skipped', Unit: 'Count' },
            { Name: 'rejected', Unit: 'Count' },
            { Name: 'duration', Unit: 'Milliseconds' },
          ],
        },
      ],
    },
    items: 1,
    failed: 0,
    skipped: 0,
    rejected: 2,
    duration: 5,
  })
})
