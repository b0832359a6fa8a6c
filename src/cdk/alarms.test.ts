/** Alarms and dashboard, and that they look at metrics which the handler writes. */
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Duration } from 'aws-cdk-lib/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { emptyReport } from '../lake/report.js'
import { metricLines } from '../node/lambda/metrics.js'
import { resourcesOf, synthesised, type TemplateJson } from './testing.js'

let template: TemplateJson
beforeAll(() => {
  template = synthesised().template
}, 60_000)

describe('alarms', () => {
  /** What the handler writes of an invocation: metric names by their dimensions. */
  const written = metricLines(
    {
      report: {
        ...emptyReport('1.1.0'),
        sources: { 'vpc-flow': { in: 1, written: 1, filtered: 0, duplicates: 0, rejected: 0 } },
        classes: { 'vpc-flow/network_activity': 1 },
      },
      items: 1,
      failed: 0,
      skipped: 0,
      duration: 1,
    },
    { namespace: 'OcsfLake/Test/Lake', timestamp: 0 },
  ).map(line => JSON.parse(line)._aws.CloudWatchMetrics[0] as { Namespace: string; Dimensions: [string[]]; Metrics: { Name: string }[] })

  it('watch rejects, failures, errors, throttles, the oldest message, what was given up, and backfills', () => {
    const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm')).map(({ Properties: one }) => [
      one.Namespace,
      one.MetricName,
      one.Statistic,
      one.Threshold,
    ])
    expect(alarms).toEqual([
      ['OcsfLake/Test/Lake', 'rejected', 'Sum', 1],
      ['OcsfLake/Test/Lake', 'failed', 'Sum', 1],
      ['AWS/Lambda', 'Errors', 'Sum', 1],
      ['AWS/Lambda', 'Throttles', 'Sum', 1],
      ['AWS/SQS', 'ApproximateAgeOfOldestMessage', 'Maximum', 3600],
      ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Maximum', 1],
      ['AWS/States', 'ExecutionsFailed', 'Sum', 1],
    ])
  })

  it('watch metrics that the handler writes, under the dimensions it writes them with', () => {
    const own = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm')).filter(({ Properties }) => Properties.Namespace === 'OcsfLake/Test/Lake')
    const whole = written.find(({ Dimensions: [names] }) => names.length === 0)!
    expect(own).toHaveLength(2)
    for (const { Properties } of own) {
      expect(Properties).not.toHaveProperty('Dimensions')
      expect(whole.Metrics.map(({ Name }) => Name)).toContain(Properties.MetricName)
    }
  })

  it('tell a topic, when there is one', () => {
    const { template: told } = synthesised(stack => ({ alarms: { topic: new Topic(stack, 'Topic'), rejected: 100, oldestMessage: Duration.minutes(10) } }))
    const alarms = resourcesOf(told, 'AWS::CloudWatch::Alarm')
    for (const { Properties } of Object.values(alarms)) expect(Properties).toMatchObject({ AlarmActions: ['<Topic>'], OKActions: ['<Topic>'] })
    expect(alarms.LakeRejectedAlarm!.Properties.Threshold).toBe(100)
    expect(alarms.LakeOldestMessageAlarm!.Properties.Threshold).toBe(600)
  })

  it('stand on a dashboard with searches for metrics that are written', () => {
    const body = String(template.Resources.LakeDashboard!.Properties.DashboardBody)
    const { widgets } = JSON.parse(body) as { widgets: { type: string; properties: { title: string; alarms?: string[] } }[] }
    expect(widgets[0]).toMatchObject({
      type: 'alarm',
      properties: { alarms: Object.keys(resourcesOf(template, 'AWS::CloudWatch::Alarm')).map(id => `<${id}.Arn>`) },
    })
    const searches = [...body.matchAll(/SEARCH\('\{\\"([^"\\]+)\\",([a-z,]+)\} MetricName=\\"(\w+)\\"'/g)].map(([, namespace, dimensions, name]) => ({
      namespace,
      dimensions,
      name,
    }))
    expect(searches.map(({ name }) => name)).toEqual(['in', 'rejected', 'written', 'bytes'])
    for (const { namespace, dimensions, name } of searches) {
      const said = written.find(({ Dimensions: [names] }) => names.toSorted().join(',') === dimensions)
      expect(said?.Namespace).toBe(namespace)
      expect(said?.Metrics.map(({ Name }) => Name)).toContain(name)
    }
  })
})
