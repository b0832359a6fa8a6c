/** What the mapper of CloudTrail only passes on, so that records which say nothing else need not be mapped each. */
import { stringify, UnreadJson } from '../../json.js'
import type { LeafCopies, MemberCopies } from '../source.js'
import { sessionInId } from './identity.js'
import { mayHaveParameters, SECRET_KEYS } from './secrets.js'
import { redactUnread } from './unread-secrets.js'
import { accountInArn, nameInArn } from './values.js'

/** Parameters of a URL, which may be a secret. */
const MAYBE_SECRET = /[&?]/

/** Of requests and responses that are looked into: those of calls that sign in, or change users and roles. */
const names = { part: nameInArn, seen: accountInArn }
const calls: LeafCopies = {
  texts: {
    ...{ roleArn: names, arn: names, policyArn: {} },
    ...{ roleSessionName: {}, userName: {}, roleName: {}, userId: { seen: accountInArn }, roleId: { seen: accountInArn }, assumedRoleId: {}, accessKeyId: {} },
    ...{ sessionToken: {}, expiration: {}, createDate: {} },
  },
  most: 8,
  mostParts: 2,
  except: MAYBE_SECRET,
}

export const memberCopies: MemberCopies = {
  list: 'Records',
  members: {
    eventVersion: { as: 'text' },
    eventTime: { as: 'time' },
    sourceIPAddress: { as: 'address' },
    userAgent: { as: 'text' },
    errorCode: { as: 'text' },
    // the one that names the target of a denied call
    errorMessage: { as: 'text', except: / on resource: / },
    requestParameters: { as: 'json', sought: SECRET_KEYS, leaves: calls, print },
    responseElements: { as: 'json', sought: SECRET_KEYS, leaves: calls, except: /"Failure"/, print },
    requestID: { as: 'text' },
    eventID: { as: 'text' },
    sharedEventID: { as: 'text' },
    recipientAccountId: { as: 'text' },
    userIdentity: {
      as: 'leaves',
      leaves: {
        texts: {
          principalId: { part: sessionInId },
          arn: { part: nameInArn },
          ...{ accountId: {}, accessKeyId: {}, credentialId: {}, userName: {}, userId: {}, invokedBy: {} },
          creationDate: { isTime: true },
        },
        most: 12,
        mostParts: 4,
        mostNumbers: 1,
        except: MAYBE_SECRET,
      },
    },
    // mostly of data events of S3
    additionalEventData: {
      as: 'leaves',
      leaves: {
        texts: { 'x-amz-id-2': {} },
        counts: ['bytesTransferredIn', 'bytesTransferredOut'],
        most: 1,
        mostNumbers: 2,
        except: MAYBE_SECRET,
        // who it is about
        never: /"(?:UserName|sub)":/,
      },
    },
    tlsDetails: { as: 'leaves', leaves: { texts: { tlsVersion: {}, cipherSuite: {}, clientProvidedHostHeader: {} }, most: 3, except: MAYBE_SECRET } },
    resources: { as: 'leaves', leaves: { texts: { ARN: {}, accountId: {} }, most: 8, except: MAYBE_SECRET } },
  },
}

/** A request or response as JSON text, without its secrets; one of nothing is nothing. */
function print(json: string | UnreadJson): string | undefined {
  if (json === '{}') return undefined
  if (typeof json === 'string' && !mayHaveParameters(json)) return json
  return stringify(redactUnread(typeof json === 'string' ? new UnreadJson(json, SECRET_KEYS, []) : json))
}
