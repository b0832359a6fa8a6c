/**
 * Executes a state machine in tests: the states, paths and intrinsic functions that a backfill uses, with S3 and the
 * function behind doors. Anything else is refused, so that a definition cannot pass by being misread.
 * https://states-language.net/spec.html
 */
import type { State, StateField, StateMachine } from '../../lake/backfill.js'

/** A JSON value of a running execution. */
export type Value = null | string | number | boolean | readonly Value[] | { readonly [name: string]: Value }
type Members = { readonly [name: string]: Value }

export interface World {
  /** Rows as ListObjectsV2 gives them. */
  list(bucket: string, prefix: string): Promise<readonly Value[]>
  get(bucket: string, key: string): Promise<string>
  put(bucket: string, key: string, text: string): Promise<void>
  /** Rows of an inventory, as Step Functions reads them from the CSV files of a manifest. */
  inventory(bucket: string, key: string): Promise<readonly Value[]>
  invoke(functionArn: string, payload: Value): Promise<Value>
}

/** What ends a state: `Lambda.TooManyRequestsException`, `States.TaskFailed`, the name of what a function threw. */
export class StateError extends Error {
  readonly error: string
  constructor(error: string, cause: string) {
    super(cause)
    this.error = error
  }
}

interface Child {
  readonly name: string
  readonly input: Value
  readonly items: number
  status: 'PENDING' | 'SUCCEEDED' | 'FAILED'
  /** Where a redrive takes it up. */
  at: { readonly state: string; readonly input: Value }
  output?: Value
  error?: string
  cause?: string
}

export interface MapRun {
  readonly arn: string
  readonly label: string
  readonly children: readonly Child[]
  /** Most children that were under way at once. */
  peak: number
}

export interface Execution {
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED'
  output?: Value
  error?: string
  cause?: string
  readonly mapRuns: MapRun[]
  /** Seconds waited before each retry, and for what. */
  readonly retries: { readonly error: string; readonly seconds: number }[]
  /** Goes on from the state that failed, and in a Map Run with the children that are not done. */
  redrive(): Promise<Execution>
}

/** Payloads of states, in bytes. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAX_PAYLOAD = 262_144

/** Executes to the end. */
export async function execute(machine: StateMachine, input: Value, world: World): Promise<Execution> {
  return begin(machine, input, world).redrive()
}

/** An execution that waits for its first `redrive`, so that it can be looked at while it runs. */
export function begin(machine: StateMachine, input: Value, world: World): Execution {
  let from = { state: machine.StartAt, input }
  const execution: Execution = { status: 'RUNNING', mapRuns: [], retries: [], redrive: () => run() }
  const run = async (): Promise<Execution> => {
    Object.assign(execution, { status: 'RUNNING', error: undefined, cause: undefined })
    try {
      execution.output = await walk(machine, from, { world, execution, input }, at => (from = at))
      execution.status = 'SUCCEEDED'
    } catch (error) {
      if (!(error instanceof StateError)) throw error
      Object.assign(execution, { status: 'FAILED', error: error.error, cause: error.message })
    }
    return execution
  }
  return execution
}

interface Scope {
  readonly world: World
  readonly execution: Execution
  readonly input: Value
  readonly item?: Value
}

/** As DescribeMapRun tells them. */
export function countItems({ children }: MapRun): { readonly Total: number; readonly Succeeded: number; readonly Failed: number; readonly Pending: number } {
  const count = (status?: Child['status']): number =>
    children.reduce((sum, child) => sum + (status === undefined || child.status === status ? child.items : 0), 0)
  return { Total: count(), Succeeded: count('SUCCEEDED'), Failed: count('FAILED'), Pending: count('PENDING') }
}

type At = { readonly state: string; readonly input: Value }

async function walk({ States }: StateMachine, from: At, scope: Scope, onEnter: (at: At) => void): Promise<Value> {
  let { state: name, input } = from
  for (;;) {
    const state = States[name]
    if (state === undefined) throw new Error(`no state ${name}`)
    if (JSON.stringify(input).length > MAX_PAYLOAD) throw new StateError('States.DataLimitExceeded', name)
    onEnter({ state: name, input })
    if (state.Type === 'Succeed') return input
    if (state.Type === 'Fail') {
      throw new StateError(text(state.Error), text(state.Cause ?? evaluate(text(state.CausePath), input, scope)))
    }
    if (state.Type === 'Choice') name = choose(state, input, scope)
    else {
      input = await act(state, input, scope)
      name = text(state.Next)
    }
  }
}

function choose(state: State, input: Value, scope: Scope): string {
  for (const rule of list(state.Choices).map(members)) {
    const { Variable, Next, ...test } = rule
    const value = evaluate(text(Variable), input, scope, true)
    const [[kind, operand] = ['', '']] = Object.entries(test)
    if (kind === 'IsPresent') {
      if ((value !== undefined) === operand) return text(Next)
    } else if (kind === 'NumericEqualsPath') {
      if (typeof value === 'number' && value === evaluate(text(operand), input, scope)) return text(Next)
    } else if (kind === 'NumericGreaterThanEquals') {
      if (typeof value === 'number' && value >= Number(operand)) return text(Next)
    } else throw new Error(`Choice by ${kind}`)
  }
  return text(state.Default)
}

/** A state that makes output of its input: in the order InputPath, Parameters, the work, ResultSelector, ResultPath, OutputPath. */
async function act(state: State, raw: Value, scope: Scope): Promise<Value> {
  const { InputPath = '$', Parameters, ResultSelector, ResultPath = '$', OutputPath = '$' } = state
  const input = evaluate(text(InputPath), raw, scope)
  const given = Parameters === undefined ? input : fill(Parameters, input, scope)
  const result = await retrying(state, scope, () => work(state, given, input, scope))
  const selected = ResultSelector === undefined ? result : fill(ResultSelector, result, scope)
  const placed = ResultPath === '$' ? selected : { ...object(raw), [text(ResultPath).slice(2)]: selected }
  return evaluate(text(OutputPath), placed, scope)
}

async function work(state: State, given: Value, input: Value, scope: Scope): Promise<Value> {
  if (state.Type === 'Pass') return given
  if (state.Type === 'Map') return distribute(state, input, scope)
  const { FunctionName, Payload, MapRunArn } = object(given)
  if (text(state.Resource).endsWith(':states:::lambda:invoke')) {
    return { StatusCode: 200, Payload: await scope.world.invoke(text(FunctionName), Payload!) }
  }
  if (text(state.Resource).endsWith(':states:::aws-sdk:sfn:describeMapRun')) {
    return { MapRunArn: MapRunArn!, ItemCounts: countItems(scope.execution.mapRuns.find(({ arn }) => arn === MapRunArn)!) }
  }
  throw new Error(`Task ${text(state.Resource)}`)
}

async function retrying(state: State, { execution }: Scope, attempt: () => Promise<Value>): Promise<Value> {
  const retriers = list(state.Retry ?? []).map(members)
  const used = retriers.map(() => 0)
  for (;;) {
    try {
      return await attempt()
    } catch (thrown) {
      if (!(thrown instanceof StateError)) throw thrown
      const which = retriers.findIndex(({ ErrorEquals }) => list(ErrorEquals).some(name => name === thrown.error || name === 'States.ALL'))
      const { MaxAttempts, IntervalSeconds, BackoffRate, MaxDelaySeconds } = retriers[which] ?? {}
      if (which < 0 || used[which]! >= Number(MaxAttempts)) throw thrown
      execution.retries.push({ error: thrown.error, seconds: Math.min(Number(IntervalSeconds) * Number(BackoffRate) ** used[which]!, Number(MaxDelaySeconds)) })
      used[which]!++
    }
  }
}

/** A Distributed Map: one child a batch, or an item; results in S3. A Map Run that was stopped goes on when it is redriven. */
async function distribute(state: State, input: Value, scope: Scope): Promise<Value> {
  const { world, execution } = scope
  const { bucket, prefix } = place(members(state.ResultWriter!), input, scope)
  const label = text(state.Label)
  const stopped = execution.mapRuns.find(run => run.label === label)
  const mapRun = stopped ?? {
    arn: `arn:aws:states:us-east-1:123456789012:mapRun:backfill/${label}:1`,
    label,
    children: await open(state, input, scope),
    peak: 0,
  }
  if (stopped === undefined) execution.mapRuns.push(mapRun)
  const { children } = mapRun
  for (const child of children) if (child.status === 'FAILED') child.status = 'PENDING'
  const total = children.reduce((sum, { items }) => sum + items, 0)
  const failed = (): number => children.reduce((sum, child) => sum + (child.status === 'FAILED' ? child.items : 0), 0)
  const intolerable = (): boolean => failed() > (total * Number(state.ToleratedFailurePercentage ?? 0)) / 100
  const processor = members(state.ItemProcessor!)
  const machine: StateMachine = { StartAt: text(processor.StartAt), States: processor.States as StateMachine['States'] } // as the definition has it
  const waiting = children.filter(({ status }) => status === 'PENDING')
  let running = 0
  const lane = async (): Promise<void> => {
    for (let child = waiting.shift(); child !== undefined && !intolerable(); child = waiting.shift()) {
      mapRun.peak = Math.max(mapRun.peak, ++running)
      try {
        child.output = await walk(machine, child.at, scope, at => (child!.at = at))
        child.status = 'SUCCEEDED'
      } catch (thrown) {
        if (!(thrown instanceof StateError)) throw thrown
        Object.assign(child, { status: 'FAILED', error: thrown.error, cause: thrown.message })
      }
      running--
    }
  }
  await Promise.all(Array.from({ length: Number(state.MaxConcurrency) }, lane))

  const folder = `${prefix}/${label}-run`
  const files: Record<string, { readonly Key: string }[]> = {}
  for (const status of ['FAILED', 'PENDING', 'SUCCEEDED'] as const) {
    const some = children.filter(child => child.status === status)
    files[status] = some.length === 0 ? [] : [{ Key: `${folder}/${status}_0.json` }]
    const rows = some.map(({ name, input, output, error, cause }) => ({
      Name: name,
      Input: JSON.stringify(input),
      Output: output === undefined ? undefined : JSON.stringify(output),
      Error: error,
      Cause: cause,
      Status: status,
    }))
    if (some.length > 0) await world.put(bucket, `${folder}/${status}_0.json`, JSON.stringify(rows))
  }
  await world.put(bucket, `${folder}/manifest.json`, JSON.stringify({ DestinationBucket: bucket, MapRunArn: mapRun.arn, ResultFiles: files }))
  if (intolerable()) throw new StateError('States.ExceedToleratedFailureThreshold', `${failed()} of ${total} items failed`)
  return { MapRunArn: mapRun.arn, ResultWriterDetails: { Bucket: bucket, Key: `${folder}/manifest.json` } }
}

/** Reads the items of a Map, selects and batches them. */
async function open(state: State, input: Value, scope: Scope): Promise<readonly Child[]> {
  const reader = members(state.ItemReader!)
  const { bucket, key, prefix } = place(reader, input, scope)
  const { InputType } = members(reader.ReaderConfig ?? {})
  const read = async (): Promise<readonly Value[]> => {
    if (text(reader.Resource).endsWith(':states:::s3:listObjectsV2')) return scope.world.list(bucket, prefix)
    if (!text(reader.Resource).endsWith(':states:::s3:getObject')) throw new Error(`ItemReader ${text(reader.Resource)}`)
    if (InputType === 'MANIFEST') return scope.world.inventory(bucket, key)
    if (InputType === 'JSON') return JSON.parse(await scope.world.get(bucket, key))
    throw new Error(`InputType ${text(InputType)}`)
  }
  const { ItemSelector, ItemBatcher } = state
  const items = (await read()).map(item => (ItemSelector === undefined ? item : fill(ItemSelector, input, { ...scope, item })))
  const child = (value: Value, count: number, at: number): Child => {
    if (JSON.stringify(value).length > MAX_PAYLOAD) throw new StateError('States.ItemBatchingFailed', 'an item does not fit in a payload')
    const { StartAt } = members(state.ItemProcessor!)
    return { name: `child-${at}`, input: value, items: count, status: 'PENDING', at: { state: text(StartAt), input: value } }
  }
  if (ItemBatcher === undefined) return items.map((item, at) => child(item, 1, at))
  const { BatchInput, MaxItemsPerBatch, MaxInputBytesPerBatch } = members(ItemBatcher)
  const batches: Value[][] = []
  const shared = fill(BatchInput!, input, scope)
  const bytes = (some: readonly Value[]): number => JSON.stringify({ Items: some, BatchInput: shared }).length
  for (const item of items) {
    const last = batches.at(-1)
    if (last !== undefined && last.length < Number(MaxItemsPerBatch) && bytes([...last, item]) <= Number(MaxInputBytesPerBatch)) last.push(item)
    else batches.push([item])
  }
  return batches.map((some, at) => child({ Items: some, BatchInput: shared }, some.length, at))
}

function place(of: { readonly [field: string]: StateField }, input: Value, scope: Scope): { bucket: string; key: string; prefix: string } {
  const { Bucket, Key = '', Prefix = '' } = object(fill(of.Parameters!, input, scope))
  return { bucket: text(Bucket), key: text(Key), prefix: text(Prefix) }
}

/** A payload template: members ending with `.$` are paths or intrinsic functions. */
function fill(template: StateField, input: Value, scope: Scope): Value {
  if (typeof template !== 'object') return template
  if (Array.isArray(template)) return list(template).map(one => fill(one, input, scope))
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) =>
      name.endsWith('.$') ? [name.slice(0, -2), evaluate(text(value), input, scope)] : [name, fill(value, input, scope)],
    ),
  )
}

/** A path, or `States.Format` and `States.StringToJson` of paths. */
function evaluate(expression: string, input: Value, scope: Scope): Value
function evaluate(expression: string, input: Value, scope: Scope, absent: true): Value | undefined
function evaluate(expression: string, input: Value, scope: Scope, absent?: true): Value | undefined {
  const call = /^States\.(Format|StringToJson)\((.*)\)$/.exec(expression)
  if (call?.[1] === 'StringToJson') return JSON.parse(text(evaluate(call[2]!, input, scope)))
  if (call !== null) {
    const [, template, paths] = /^'([^']*)'((?:, [^,]+)*)$/.exec(call[2]!)!
    const values = paths!.split(', ').slice(1)
    return template!.replaceAll('{}', () => String(evaluate(values.shift()!, input, scope)))
  }
  if (!/^\$(\$\.Map\.Item\.Value)?(\.\w+)*$/.test(expression)) throw new Error(`no path: ${expression}`)
  const item = expression.startsWith('$$.Map.Item.Value')
  let value: Value | undefined = item ? scope.item : input
  for (const name of expression
    .slice(item ? '$$.Map.Item.Value'.length : 1)
    .split('.')
    .slice(1))
    value = value === undefined ? undefined : object(value)[name]
  if (value === undefined && absent === undefined) throw new StateError('States.ParameterPathFailure', `${expression} is not there`)
  return value
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`no text: ${JSON.stringify(value)}`)
  return value
}

function list(value: StateField | undefined): readonly StateField[] {
  if (!Array.isArray(value)) throw new Error('no list')
  return value
}

function members(value: StateField): { readonly [field: string]: StateField } {
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error('no object')
  return value as { readonly [field: string]: StateField } // neither text nor a list
}

function object(value: Value): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  return value as Members // neither text nor a list
}
