/** CloudTrail Insights: unusual rates of API calls or errors, as OCSF Detection Findings. */
import { isJsonObject, type Json, type JsonObject } from '../../json.js'
import { columns, type EventOf } from '../../ocsf/columns.js'
import { cloudColumns, metadataColumns, type Shared, TEXTS, unmappedOf } from './cloudtrail-shared.js'
import { redactJson } from './secrets.js'
import { leftOver, text } from './values.js'

export const insightColumns = columns('detection_finding')({
  activity_id: true,
  activity_name: true,
  severity_id: true,
  time: true,
  status_id: true,
  metadata: metadataColumns,
  cloud: cloudColumns,
  finding_info: {
    uid: true,
    title: true,
    types: true,
    created_time: true,
    modified_time: true,
    analytic: { name: true, type_id: true },
  },
  evidences: {
    api: { operation: true, service: { name: true }, response: { error: true } },
    actor: { user: { uid: true } },
    data: true,
  },
  resources: { uid: true },
  unmapped: true,
})

export type InsightEvent = EventOf<'detection_finding', typeof insightColumns>

const MAPPED_TEXTS: ReadonlySet<string> = new Set(TEXTS)
/** AWS rates an insight no further than unusual: Informational, like all of CloudTrail. */
const INFORMATIONAL = 1
const STATISTICAL = 3
const STATES = {
  Start: { activity_id: 1, status_id: 1 }, // Create, New
  End: { activity_id: 3, status_id: 4 }, // Close, Resolved
} as const

/** A start and its end share `sharedEventID`, the id of the finding. `undefined` when the insight names no event. */
export function insightEvent(record: JsonObject, shared: Shared): InsightEvent | undefined {
  const insight = isJsonObject(record.insightDetails) ? record.insightDetails : {}
  const uid = text(record.sharedEventID) ?? text(record.eventID)
  const type = text(insight.insightType)
  const source = text(insight.eventSource)
  const operation = text(insight.eventName)
  const error = text(insight.errorCode)
  if (uid === undefined || operation === undefined) return undefined
  const state = text(insight.state)
  const known = state === 'Start' || state === 'End' ? STATES[state] : undefined
  const context = isJsonObject(insight.insightContext) ? insight.insightContext : undefined
  const callers = values(context, 'userIdentityArn')
  const resources = values(context, 'resourceArn')
  const rest = leftOver(insight, (key, value) => {
    switch (key) {
      case 'state':
        return state !== undefined
      case 'insightType':
      case 'eventSource':
      case 'eventName':
      case 'errorCode':
        return typeof value === 'string'
      default:
        return key === 'insightContext'
    }
  })
  return {
    class_uid: 2004,
    // classification
    activity_id: known?.activity_id ?? 99,
    activity_name: known === undefined ? (state ?? 'Insight') : undefined,
    severity_id: INFORMATIONAL,
    // occurrence
    time: shared.time,
    status_id: known?.status_id,
    // context
    metadata: shared.metadata,
    cloud: shared.cloud,
    // primary
    finding_info: {
      uid,
      title: `${type ?? 'Insight'}: ${source === undefined ? '' : `${source} `}${operation}${error === undefined ? '' : ` ${error}`}`,
      types: type === undefined ? undefined : [type],
      created_time: state === 'End' ? undefined : shared.time,
      modified_time: state === 'End' ? shared.time : undefined,
      analytic: { name: type ?? 'CloudTrail Insights', type_id: STATISTICAL },
    },
    evidences: [
      {
        api: {
          operation,
          service: source === undefined ? undefined : { name: source },
          response: error === undefined ? undefined : { error },
        },
        data: insight.insightContext ?? undefined,
      },
      ...callers.map(arn => ({ actor: { user: { uid: arn } } })),
    ],
    resources: resources.length === 0 ? undefined : resources.map(arn => ({ uid: arn })),
    // unmapped
    unmapped: unmappedOf(record, shared.envelope, (key, value) => key === 'insightDetails' || (typeof value === 'string' && MAPPED_TEXTS.has(key)), {
      insightDetails: redactJson(rest),
    }),
  }
}

/** The values that an attribution gives for the unusual calls, each once. */
function values(context: JsonObject | undefined, attribute: string): readonly string[] {
  const found = new Set<string>()
  for (const attribution of list(context?.attributions)) {
    if (!isJsonObject(attribution) || attribution.attribute !== attribute) continue
    for (const item of list(attribution.insight)) {
      const value = isJsonObject(item) ? text(item.value) : undefined
      if (value !== undefined && value !== 'null') found.add(value)
    }
  }
  return [...found]
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}
