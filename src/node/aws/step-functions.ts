/** Executions of a state machine and their Map Runs: started, followed, redriven. Owns @aws-sdk/client-sfn. */
import { OcsfLakeError } from '../../errors.js'
import { stepFunctionsFault } from './step-functions-fault.js'

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE'

export interface ExecutionState {
  readonly arn: string
  readonly machineArn: string
  readonly status: ExecutionStatus
  /** JSON. */
  readonly input?: string
  readonly error?: string
  readonly cause?: string
  readonly redrivable: boolean
  /** Why it cannot be redriven, as Step Functions says it. */
  readonly notRedrivable?: string
  readonly startMs: number
  readonly stopMs?: number
}

/** What became of the items of a Map Run. */
export interface ItemCounts {
  readonly total: number
  readonly pending: number
  readonly running: number
  readonly succeeded: number
  readonly failed: number
  readonly timedOut: number
  readonly aborted: number
}

export interface MapRunState {
  readonly arn: string
  readonly status: string
  readonly items: ItemCounts
}

export interface StepFunctions {
  /** Starts an execution and gives its ARN; the same name and input again give the same execution while it runs. */
  start(machineArn: string, name: string, input: string): Promise<string>
  describe(executionArn: string): Promise<ExecutionState>
  /** The latest Map Run of an execution; undefined before it has one. */
  mapRun(executionArn: string): Promise<MapRunState | undefined>
  /** Why some children of a Map Run failed, a few at most. */
  failures(mapRunArn: string): Promise<readonly { readonly error: string; readonly cause: string }[]>
  redrive(executionArn: string): Promise<void>
}

/** Children whose cause is looked up. */
const FAILURES = 3

/** @throws OcsfLakeError `peer_missing` without @aws-sdk/client-sfn */
export async function openStepFunctions(region: string): Promise<StepFunctions> {
  const sdk = await import('@aws-sdk/client-sfn').catch((cause: unknown) => {
    throw new OcsfLakeError('peer_missing', 'A backfill needs the package @aws-sdk/client-sfn: npm install @aws-sdk/client-sfn.', { cause })
  })
  const client = new sdk.SFNClient({ region })
  const asked = async <T>(action: string, resource: string, answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      throw stepFunctionsFault(error, { action, resource })
    }
  }
  const describe = (executionArn: string) => asked('DescribeExecution', executionArn, client.send(new sdk.DescribeExecutionCommand({ executionArn })))

  return {
    async start(stateMachineArn, name, input) {
      const { executionArn = '' } = await asked('StartExecution', stateMachineArn, client.send(new sdk.StartExecutionCommand({ stateMachineArn, name, input })))
      return executionArn
    },

    async describe(arn) {
      const { stateMachineArn = '', status = 'RUNNING', input, error, cause, redriveStatus, redriveStatusReason, startDate, stopDate } = await describe(arn)
      return {
        arn,
        machineArn: stateMachineArn,
        status,
        input,
        error,
        cause,
        redrivable: redriveStatus === 'REDRIVABLE' || redriveStatus === 'REDRIVABLE_BY_MAP_RUN',
        notRedrivable: redriveStatusReason,
        startMs: startDate?.getTime() ?? 0,
        stopMs: stopDate?.getTime(),
      }
    },

    async mapRun(executionArn) {
      const { mapRuns = [] } = await asked('ListMapRuns', executionArn, client.send(new sdk.ListMapRunsCommand({ executionArn })))
      const latest = mapRuns.reduce<(typeof mapRuns)[number] | undefined>(
        (last, run) => (last !== undefined && (last.startDate ?? 0) > (run.startDate ?? 0) ? last : run),
        undefined,
      )
      if (latest?.mapRunArn === undefined) return undefined
      const command = new sdk.DescribeMapRunCommand({ mapRunArn: latest.mapRunArn })
      const { status = 'RUNNING', itemCounts } = await asked('DescribeMapRun', latest.mapRunArn, client.send(command))
      const { total = 0, pending = 0, running = 0, succeeded = 0, failed = 0, timedOut = 0, aborted = 0 } = itemCounts ?? {}
      return { arn: latest.mapRunArn, status, items: { total, pending, running, succeeded, failed, timedOut, aborted } }
    },

    async failures(mapRunArn) {
      const command = new sdk.ListExecutionsCommand({ mapRunArn, statusFilter: 'FAILED', maxResults: FAILURES })
      const { executions = [] } = await asked('ListExecutions', mapRunArn, client.send(command))
      const children = await Promise.all(executions.map(({ executionArn = '' }) => describe(executionArn)))
      return children.map(({ error = 'unknown', cause = '' }) => ({ error, cause }))
    },

    async redrive(executionArn) {
      await asked('RedriveExecution', executionArn, client.send(new sdk.RedriveExecutionCommand({ executionArn })))
    },
  }
}
