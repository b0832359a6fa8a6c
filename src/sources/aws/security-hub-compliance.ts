/** What a control or rule found, as Security Hub states it. */
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings } from './finding.js'
import type { Compliance } from './security-hub-columns.js'
import { some } from './security-hub-parts.js'
import type { Taking } from './taking.js'

const STATUS: ReadonlyMap<string | undefined, 0 | 1 | 2 | 3> = new Map([
  [undefined, 0],
  ['PASSED', 1],
  ['WARNING', 2],
  ['FAILED', 3],
])

/** Before controls were consolidated, only the fields of the product name the standard; rules of others have none, but OCSF wants one. */
export function complianceOf(compliance: Taking, fields: Taking, version: OcsfVersion, product: string): Compliance {
  const status = compliance.text('Status')
  const status_id = STATUS.get(status) ?? 99
  const isModern = hasModernFindings(version)
  // before 1.5 there is room for one
  const reasons = compliance.list('StatusReasons').slice(0, isModern ? undefined : 1)
  const details = reasons.flatMap(reason => reason.text('Description') ?? [])
  const standards = compliance.list('AssociatedStandards').flatMap(standard => standard.text('StandardsId') ?? [])
  return {
    control: compliance.text('SecurityControlId') ?? fields.said('ControlId') ?? fields.said('RuleId'),
    requirements: compliance.texts('RelatedRequirements'),
    standards: some(standards) ?? [fields.said('StandardsArn') ?? fields.said('StandardsGuideArn') ?? product],
    status: status_id === 99 ? status : undefined,
    status_id,
    status_code: reasons[0]?.text('ReasonCode'),
    status_detail: isModern ? undefined : details[0],
    status_details: isModern ? some(details) : undefined,
  }
}
