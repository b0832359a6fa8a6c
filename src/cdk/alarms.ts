/** What somebody must know: rejects, work left undone, messages that wait or have given up. */
import type { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import type { FUNCTION_METRICS } from '../node/lambda/metrics.js'
import type { Queues } from './arrivals.js'
import { actions, cloudwatch, core } from './peer.js'
import type { AlarmSettings } from './props.js'

export interface Watched {
  readonly namespace: string
  readonly function: LambdaFunction
  readonly queues: Queues
  readonly backfill: StateMachine | undefined
}

export interface Alarms {
  /** Records became dead letters: look at them, mend what they tell, `ocsf-lake replay`. */
  readonly rejected: Alarm
  /** Messages were handed back to the queue: the log of the function says why. */
  readonly failed: Alarm
  /** The function ended without an answer: a timeout, too little memory, a fault of the handler. */
  readonly errors: Alarm
  /** Invocations were refused: the account's concurrency is used up, or what is reserved. */
  readonly throttles: Alarm
  /** Messages wait longer than they should. */
  readonly oldestMessage: Alarm
  /** Messages were given up: redrive the dead-letter queue when the reason is mended. */
  readonly deadLetterQueue: Alarm
  /** A backfill ended without all its objects. */
  readonly backfill: Alarm | undefined
}

const PERIOD_MINUTES = 5
const OLDEST_MESSAGE_HOURS = 1

/** A metric that the handler writes, over the whole function. */
export function functionMetric(namespace: string, metricName: keyof typeof FUNCTION_METRICS): Metric {
  return new cloudwatch.Metric({ namespace, metricName, statistic: 'Sum', period: core.Duration.minutes(PERIOD_MINUTES) })
}

export function makeAlarms(scope: Construct, { namespace, function: convert, queues, backfill }: Watched, settings: AlarmSettings): Alarms {
  const { topic, rejected = 1, oldestMessage = core.Duration.hours(OLDEST_MESSAGE_HOURS) } = settings
  const period = core.Duration.minutes(PERIOD_MINUTES)
  const alarm = (id: string, metric: Metric, threshold: number, alarmDescription: string): Alarm => {
    const one = new cloudwatch.Alarm(scope, `${id}Alarm`, {
      metric,
      threshold,
      alarmDescription,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    })
    if (topic !== undefined) {
      one.addAlarmAction(new actions.SnsAction(topic))
      one.addOkAction(new actions.SnsAction(topic))
    }
    return one
  }
  return {
    rejected: alarm('Rejected', functionMetric(namespace, 'rejected'), rejected, 'Records were rejected: see the dead letters, then run ocsf-lake replay.'),
    failed: alarm('Failed', functionMetric(namespace, 'failed'), 1, 'Messages were handed back: the log of the function says why (left undone).'),
    errors: alarm('Errors', convert.metricErrors({ period }), 1, 'The function ended without an answer: a timeout, too little memory, or a wrong setting.'),
    throttles: alarm(
      'Throttles',
      convert.metricThrottles({ period }),
      1,
      'Invocations were refused: raise the concurrency of the account or what is reserved.',
    ),
    oldestMessage: alarm(
      'OldestMessage',
      queues.queue.metricApproximateAgeOfOldestMessage({ period }),
      oldestMessage.toSeconds(),
      'Raw logs wait too long: the function fails, or its concurrency is too low for what arrives.',
    ),
    deadLetterQueue: alarm(
      'DeadLetterQueue',
      queues.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
      1,
      'Messages were given up: mend the reason, then redrive the dead-letter queue.',
    ),
    backfill:
      backfill === undefined
        ? undefined
        : alarm('Backfill', backfill.metricFailed({ period }), 1, 'A backfill ended without all its objects: redrive it, or start one over what is left.'),
  }
}
