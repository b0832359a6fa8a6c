/** What goes through, what waits, what was rejected, on one page of CloudWatch. */
import type { Dashboard, IWidget } from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { CLASS_METRICS, SOURCE_METRICS } from '../node/lambda/metrics.js'
import { type Alarms, functionMetric, type Watched } from './alarms.js'
import { cloudwatch, core } from './peer.js'

const WIDTH = 12

export function makeDashboard(scope: Construct, { namespace, function: convert, queues, backfill }: Watched, alarms: Alarms): Dashboard {
  const period = core.Duration.minutes(5)
  const region = core.Stack.of(scope).region
  const bySource = (metric: keyof typeof SOURCE_METRICS): string => `SEARCH('{"${namespace}",source} MetricName="${metric}"', 'Sum', 300)`
  const byClass = (metric: keyof typeof CLASS_METRICS): string => `SEARCH('{"${namespace}",class,source} MetricName="${metric}"', 'Sum', 300)`
  const searched = (title: string, expression: string): IWidget =>
    new cloudwatch.GraphWidget({ title, region, width: WIDTH, left: [new cloudwatch.MathExpression({ expression, usingMetrics: {}, label: '', period })] })
  const graph = (title: string, left: ReturnType<typeof functionMetric>[], right: ReturnType<typeof functionMetric>[] = []): IWidget =>
    new cloudwatch.GraphWidget({ title, region, width: WIDTH, left, right })
  const shown = Object.values(alarms).filter(alarm => alarm !== undefined)
  return new cloudwatch.Dashboard(scope, 'Dashboard', {
    widgets: [
      [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: shown, width: 2 * WIDTH })],
      [searched('Records in, by source', bySource('in')), searched('Records rejected, by source', bySource('rejected'))],
      [searched('Events written, by class', byClass('written')), searched('Bytes written, by source', bySource('bytes'))],
      [
        graph(
          'Objects waiting',
          [queues.queue.metricApproximateNumberOfMessagesVisible({ period })],
          [queues.queue.metricApproximateAgeOfOldestMessage({ period })],
        ),
        graph('Handed back and given up', [
          functionMetric(namespace, 'failed'),
          queues.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
        ]),
      ],
      [
        graph('Invocations', [convert.metricInvocations({ period }), convert.metricErrors({ period }), convert.metricThrottles({ period })]),
        graph(
          'Duration and concurrency',
          [convert.metricDuration({ period, statistic: 'p50' }), convert.metricDuration({ period, statistic: 'p99' })],
          [convert.metric('ConcurrentExecutions', { period, statistic: 'Maximum' })],
        ),
      ],
      ...(backfill === undefined
        ? []
        : [[graph('Backfills', [backfill.metricStarted({ period }), backfill.metricSucceeded({ period }), backfill.metricFailed({ period })])]]),
    ],
  })
}
