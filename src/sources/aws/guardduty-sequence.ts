/** Attack sequences: who took part, from where, on what, and the signals that they are made of. */
import type { OcsfVersion } from '../../ocsf/facts.js'
import { attackOf } from './attack.js'
import { hasModernFindings, type Resource, resourceOf, type Surroundings } from './finding.js'
import type { Attack, Evidence, GuardDutyFinding } from './guardduty-columns.js'
import { credentialOf, directionOf, fileAt } from './guardduty-parts.js'
import { placeOf } from './place.js'
import { filled, type Taking } from './taking.js'
import { moment } from './values.js'

export interface Sequence {
  readonly evidences: readonly Evidence[]
  readonly resources: readonly Resource[]
  readonly attacks: readonly Attack[]
  readonly signals: NonNullable<GuardDutyFinding['finding_info']['related_events']>
}

const NO_SEQUENCE: Sequence = { evidences: [], resources: [], attacks: [], signals: [] }

/** Ids that signals refer to stay in the `data` of what they name. */
export function sequenceOf(service: Taking, around: Surroundings): Sequence {
  if (service.peek('detection') === undefined) return NO_SEQUENCE
  const { version } = around
  const sequence = service.at('detection').at('sequence')
  const evidences: Evidence[] = []
  for (const actor of sequence.list('actors')) {
    const evidence = participant(actor, version)
    if (evidence !== undefined) evidences.push({ ...evidence, data: actor.handOver() })
  }
  for (const endpoint of sequence.list('endpoints')) {
    const evidence = endpointEvidence(endpoint, version)
    if (evidence !== undefined) evidences.push({ ...evidence, data: endpoint.handOver() })
  }
  const resources = sequence.list('resources').flatMap(item => {
    if ((item.said('uid') ?? item.said('name')) === undefined) return []
    const own = {
      isOwn: true,
      version,
      account: item.text('accountId') ?? around.account,
      region: item.text('region') ?? around.region,
      partition: item.text('cloudPartition') ?? around.partition,
    }
    return resourceOf(item.text('resourceType'), item.text('uid'), item.text('name'), own, item) ?? []
  })
  return { evidences, resources, attacks: indicated(sequence.list('sequenceIndicators')), signals: signalsOf(sequence, version) }
}

function participant(actor: Taking, version: OcsfVersion): Evidence | undefined {
  const who = actor.at('user')
  const name = who.text('name')
  const uid = who.text('uid')
  const account = filled({ uid: who.at('account').text('uid'), name: who.at('account').text('account') })
  const isUser = (name ?? uid ?? account) !== undefined
  const type = isUser ? who.text('type') : undefined
  const session = actor.at('session')
  const mfa = session.peek('mfaStatus')
  const isMfa = mfa === 'ENABLED' ? true : mfa === 'DISABLED' ? false : undefined
  if (isMfa !== undefined) session.text('mfaStatus')
  const program = actor.at('process')
  const file = fileAt(program, 'path', 'sha256', 'name')
  const acting = filled({
    user: isUser
      ? { name, uid, type_id: type === undefined ? undefined : (99 as const), type, account, ...credentialOf(who.text('credentialUid'), version) }
      : undefined,
    session: filled({
      uid: session.text('uid'),
      is_mfa: isMfa,
      created_time: session.time('createdTime', moment),
      issuer: session.text('issuer'),
    }),
  })
  return acting === undefined && file === undefined ? undefined : { actor: acting, file }
}

function endpointEvidence(details: Taking, version: OcsfVersion): Evidence | undefined {
  const ip = details.ip('ip')
  const hostname = details.text('domain')
  if (ip === undefined && hostname === undefined) return undefined
  const place = details.at('location')
  const system = details.at('autonomousSystem')
  const connection = details.at('connection')
  const direction = directionOf(connection, 'direction')
  const endpoint = {
    ip,
    hostname,
    port: details.whole('port', 65535),
    location: placeOf(place.text('city'), place.text('country'), place, version),
    autonomous_system: version === '1.1.0' ? undefined : filled({ number: system.whole('number'), name: system.text('name') }),
  }
  const isOutbound = direction.direction_id === 2
  return {
    src_endpoint: isOutbound ? undefined : endpoint,
    dst_endpoint: isOutbound ? endpoint : undefined,
    connection_info: direction.direction_id === 0 ? undefined : direction,
  }
}

/** The tactics and techniques among indicators. They stay with the indicators too. */
function indicated(indicators: readonly Taking[]): readonly Attack[] {
  const found = new Map<string, Attack>()
  for (const indicator of indicators) {
    const key = indicator.peek('key')
    const values = indicator.peek('values')
    if ((key !== 'ATTACK_TACTIC' && key !== 'ATTACK_TECHNIQUE') || !Array.isArray(values)) continue
    for (const value of values) {
      const attack = typeof value === 'string' ? attackOf(value) : undefined
      if (attack !== undefined) found.set(attack.technique?.uid ?? attack.tactic?.uid ?? '', attack)
    }
  }
  return [...found.values()]
}

function signalsOf(sequence: Taking, version: OcsfVersion): Sequence['signals'] {
  const isModern = hasModernFindings(version)
  return sequence.list('signals', 'uid').flatMap(signal => {
    const uid = signal.text('uid')
    if (uid === undefined) return []
    const attacks = indicated(signal.list('signalIndicators'))
    return {
      uid,
      type: signal.text('type'),
      attacks: attacks.length === 0 ? undefined : attacks,
      ...(isModern && {
        title: signal.text('name'),
        desc: signal.text('description'),
        count: signal.whole('count'),
        created_time: signal.time('createdAt', moment),
        modified_time: signal.time('updatedAt', moment),
        first_seen_time: signal.time('firstSeenAt', moment),
        last_seen_time: signal.time('lastSeenAt', moment),
      }),
    }
  })
}
