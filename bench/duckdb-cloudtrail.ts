/**
 * CloudTrail in DuckDB SQL: the same gzip files into the same rows and columns as our mapping at OCSF 1.1.0, for the
 * three classes that occur: API Activity, Authentication, Account Change.
 *
 * Every column is written and compared. Like the generator, the SQL knows a part of CloudTrail only: the services,
 * identity types and members that occur (our mapping handles all of them), `sessionToken` as the one secret, and
 * additionalEventData of S3 and sign-ins. The records are unnested into a table once, since three statements that each
 * read the files again take twice the CPU time.
 */

export const CLOUDTRAIL_CLASSES = [6003, 3002, 3001] as const
type ClassUid = (typeof CLOUDTRAIL_CLASSES)[number]

const RECORD = `STRUCT(
  eventVersion VARCHAR,
  userIdentity STRUCT(
    "type" VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR, userName VARCHAR, invokedBy VARCHAR,
    sessionContext STRUCT(
      sessionIssuer STRUCT("type" VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, userName VARCHAR),
      attributes STRUCT(creationDate VARCHAR, mfaAuthenticated VARCHAR))),
  eventTime VARCHAR, eventSource VARCHAR, eventName VARCHAR, awsRegion VARCHAR, sourceIPAddress VARCHAR, userAgent VARCHAR,
  errorCode VARCHAR, errorMessage VARCHAR,
  requestParameters JSON, responseElements JSON,
  additionalEventData STRUCT(
    SignatureVersion VARCHAR, CipherSuite VARCHAR, bytesTransferredIn VARCHAR, AuthenticationMethod VARCHAR, "x-amz-id-2" VARCHAR,
    bytesTransferredOut VARCHAR, LoginTo VARCHAR, MobileVersion VARCHAR, MFAUsed VARCHAR),
  requestID VARCHAR, eventID VARCHAR, readOnly VARCHAR,
  resources STRUCT(accountId VARCHAR, "type" VARCHAR, ARN VARCHAR)[],
  eventType VARCHAR, managementEvent VARCHAR, recipientAccountId VARCHAR, eventCategory VARCHAR,
  tlsDetails STRUCT(tlsVersion VARCHAR, cipherSuite VARCHAR, clientProvidedHostHeader VARCHAR))`

/** Makes the table `records`: one row per record, with the class and what several columns need. */
export function cloudTrailTable(glob: string): string {
  return `
  CREATE TEMP TABLE records AS
  WITH files AS (
    SELECT unnest(Records, max_depth := 2) FROM read_json('${glob}', format = 'unstructured', maximum_object_size = 1000000000, columns = {Records: '${RECORD}[]'})
  )
  SELECT
    *,
    CASE
      WHEN eventName IN ('ConsoleLogin', 'AssumeRole') THEN 3002
      WHEN eventSource = 'iam.amazonaws.com' AND eventName IN ('AttachRolePolicy', 'CreateUser') THEN 3001
      ELSE 6003 END class_uid,
    eventTime::TIMESTAMP occurred,
    CASE WHEN requestParameters::VARCHAR <> 'null' THEN requestParameters::VARCHAR END request,
    CASE WHEN responseElements::VARCHAR = 'null' THEN NULL
      WHEN eventName = 'AssumeRole' THEN regexp_replace(responseElements::VARCHAR, '"sessionToken":"[^"]*"', '"sessionToken":"REDACTED"')
      ELSE responseElements::VARCHAR END response
  FROM files`
}

/** The rows of one class. */
export function cloudTrailSelect(classUid: ClassUid): string {
  const { name, category, categoryUid, activities } = CLASS[classUid]
  const isApi = classUid === 6003
  const caption = `CASE activity_id ${Object.entries(activities)
    .map(([id, text]) => `WHEN ${id} THEN '${text}'`)
    .join(' ')}`
  return `
  WITH typed AS (
    SELECT *,
      ${ACTIVITY[classUid]} activity_id,
      ${ACTOR_NAME} actor_name,
      regexp_full_match(sourceIPAddress, '[0-9.]+') is_ip,
      ${TARGET[classUid]}
    FROM records WHERE class_uid = ${classUid}
  )
  SELECT
    activity_id,
    ${caption} ELSE eventName END activity_name,
    1 severity_id,
    'Informational' severity,
    epoch_ms(occurred) "time",
    to_timestamp(epoch(occurred)) time_dt,
    CASE WHEN errorCode IS NOT NULL OR is_failure THEN 2 ELSE 1 END status_id,
    CASE WHEN errorCode IS NOT NULL OR is_failure THEN 'Failure' ELSE 'Success' END status,
    errorCode status_code,
    errorMessage status_detail,
    struct_pack(
      uid := eventID, event_code := eventType, original_time := eventTime, correlation_uid := NULL::VARCHAR,
      product := struct_pack(name := 'CloudTrail', vendor_name := 'AWS', version := eventVersion, feature := struct_pack(name := eventCategory)),
      version := '1.1.0', profiles := ['cloud', 'datetime']) metadata,
    struct_pack(provider := 'AWS', region := awsRegion, account := struct_pack(uid := recipientAccountId)) cloud,
    struct_pack(
      operation := eventName, version := NULL::VARCHAR, service := struct_pack(name := eventSource),
      request := struct_pack(uid := coalesce(requestID, eventID), "data" := request),
      response := CASE WHEN errorCode IS NOT NULL OR response IS NOT NULL THEN struct_pack("error" := errorCode, message := errorMessage, "data" := response) END) api,
    struct_pack(
      "user" := ${ACTOR_USER},
      "session" := CASE WHEN userIdentity.sessionContext IS NOT NULL THEN struct_pack(
        issuer := userIdentity.sessionContext.sessionIssuer.arn,
        created_time := epoch_ms(userIdentity.sessionContext.attributes.creationDate::TIMESTAMP),
        created_time_dt := to_timestamp(epoch(userIdentity.sessionContext.attributes.creationDate::TIMESTAMP)),
        is_mfa := userIdentity.sessionContext.attributes.mfaAuthenticated = 'true') END,
      idp := NULL::STRUCT("name" VARCHAR, uid VARCHAR),
      invoked_by := userIdentity.invokedBy) actor,
    struct_pack(
      ip := CASE WHEN is_ip THEN sourceIPAddress END, "name" := NULL::VARCHAR,
      svc_name := CASE WHEN NOT is_ip THEN sourceIPAddress END, "domain" := CASE WHEN NOT is_ip THEN sourceIPAddress END, uid := NULL::VARCHAR) src_endpoint,
    struct_pack(user_agent := userAgent) http_request,
    ${unmapped(classUid)} unmapped,
    ${PRIMARY[classUid]}
    ${categoryUid} category_uid,
    '${category}' category_name,
    ${classUid} class_uid,
    '${name}' class_name,
    (${classUid * 100} + activity_id)::BIGINT type_uid,
    '${name}: ' || ${caption} ELSE 'Other' END type_name,
    list_filter([
      struct_pack("name" := 'actor.user.name', "type" := 'User Name', type_id := 4, "value" := actor_name),
      struct_pack("name" := 'src_endpoint.ip', "type" := 'IP Address', type_id := 2, "value" := CASE WHEN is_ip THEN sourceIPAddress END)${
        isApi ? '' : `,\n      struct_pack("name" := 'user.name', "type" := 'User Name', type_id := 4, "value" := user_name)`
      }], x -> x.value IS NOT NULL) observables,
    NULL::VARCHAR raw_data
  FROM typed`
}

const CLASS: Readonly<Record<ClassUid, { name: string; category: string; categoryUid: number; activities: Readonly<Record<number, string>> }>> = {
  6003: { name: 'API Activity', category: 'Application Activity', categoryUid: 6, activities: { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' } },
  3002: { name: 'Authentication', category: 'Identity & Access Management', categoryUid: 3, activities: { 1: 'Logon' } },
  3001: { name: 'Account Change', category: 'Identity & Access Management', categoryUid: 3, activities: { 1: 'Create', 7: 'Attach Policy' } },
}

const ACTIVITY: Readonly<Record<ClassUid, string>> = {
  6003: `CASE
        WHEN readOnly = 'true' THEN 2
        WHEN regexp_matches(eventName, '^(Create|Run|Register|Allocate|Import|Copy|Generate|Issue|Launch|Upload|Publish)[A-Z]') OR eventName = 'PutObject' THEN 1
        WHEN regexp_matches(eventName, '^(Update|Modify|Put|Set|Attach|Detach|Tag|Untag|Enable|Disable|Add|Start|Stop)[A-Z]') THEN 3
        WHEN regexp_matches(eventName, '^(Delete|Terminate|Remove|Deregister|Revoke)[A-Z]') THEN 4
        ELSE 99 END`,
  3002: '1',
  3001: `CASE eventName WHEN 'CreateUser' THEN 1 ELSE 7 END`,
}

const ACTOR_NAME = `coalesce(userIdentity.userName, CASE userIdentity.type WHEN 'AWSService' THEN userIdentity.invokedBy WHEN 'Root' THEN 'root' ELSE split_part(userIdentity.arn, '/', -1) END)`

const ACTOR_USER = `struct_pack(
        "name" := actor_name, uid := userIdentity.arn, uid_alt := userIdentity.principalId, type_id := 99, "type" := userIdentity.type,
        account := CASE WHEN userIdentity.accountId IS NOT NULL THEN struct_pack(uid := userIdentity.accountId) END,
        credential_uid := userIdentity.accessKeyId)`

/** Whose sign-in or account it is, and whether the answer says that it failed. */
const TARGET: Readonly<Record<ClassUid, string>> = {
  6003: 'false is_failure',
  3002: `CASE WHEN eventName = 'AssumeRole' THEN request ->> '$.roleSessionName' ELSE actor_name END user_name,
      CASE WHEN eventName = 'AssumeRole' THEN request ->> '$.roleArn' END role_arn,
      coalesce(response = '{"ConsoleLogin":"Failure"}', false) is_failure`,
  3001: `CASE WHEN eventName = 'CreateUser' THEN request ->> '$.userName' ELSE request ->> '$.roleName' END user_name,
      response ->> '$.user.arn' user_arn,
      false is_failure`,
}

/** The columns of the class alone, each with a comma behind it. */
const PRIMARY: Readonly<Record<ClassUid, string>> = {
  6003: `list_transform(resources, x -> struct_pack(
      uid := x.ARN, "name" := NULL::VARCHAR, "type" := x.type,
      "owner" := CASE WHEN x.accountId IS NOT NULL THEN struct_pack(account := struct_pack(uid := x.accountId)) END)) resources,`,
  3002: `CASE WHEN role_arn IS NULL THEN ${ACTOR_USER} ELSE struct_pack(
      "name" := user_name, uid := role_arn, uid_alt := NULL::VARCHAR, type_id := NULL::INTEGER, "type" := NULL::VARCHAR,
      account := struct_pack(uid := split_part(role_arn, ':', 5)), credential_uid := NULL::VARCHAR) END "user",
    CASE WHEN eventName = 'AssumeRole' AND response IS NOT NULL THEN struct_pack(
      uid := response ->> '$.assumedRoleUser.arn', uid_alt := response ->> '$.assumedRoleUser.assumedRoleId',
      credential_uid := response ->> '$.credentials.accessKeyId') END "session",
    struct_pack("name" := eventSource) service,
    CASE WHEN additionalEventData.LoginTo IS NOT NULL THEN struct_pack(svc_name := additionalEventData.LoginTo) END dst_endpoint,
    CASE additionalEventData.MFAUsed WHEN 'Yes' THEN true WHEN 'No' THEN false END is_mfa,
    NULL::INTEGER auth_protocol_id,
    NULL::VARCHAR auth_protocol,`,
  3001: `struct_pack(
      "name" := user_name, uid := response ->> '$.user.userId', uid_alt := user_arn, type_id := NULL::INTEGER, "type" := NULL::VARCHAR,
      account := CASE WHEN user_arn IS NOT NULL THEN struct_pack(uid := split_part(user_arn, ':', 5)) END, credential_uid := NULL::VARCHAR) "user",
    CASE WHEN eventName = 'AttachRolePolicy' THEN struct_pack(uid := request ->> '$.policyArn', "name" := NULL::VARCHAR) END "policy",`,
}

/** What has no home, under AWS's names. */
function unmapped(classUid: ClassUid): string {
  const issuer = 'userIdentity.sessionContext.sessionIssuer'
  const paths = [
    'readOnly',
    'managementEvent',
    'tlsDetails.tlsVersion',
    'tlsDetails.cipherSuite',
    'tlsDetails.clientProvidedHostHeader',
    `${issuer}.type`,
    `${issuer}.principalId`,
    `${issuer}.accountId`,
    `${issuer}.userName`,
  ]
  const additional =
    classUid === 6003
      ? ['SignatureVersion', 'CipherSuite', 'bytesTransferredIn', 'AuthenticationMethod', 'x-amz-id-2', 'bytesTransferredOut']
      : classUid === 3002
        ? ['MobileVersion']
        : []
  const entries = [
    ...paths.map(path => `struct_pack(k := '${path}', v := ${path})`),
    ...additional.map(name => `struct_pack(k := 'additionalEventData.${name}', v := additionalEventData."${name}")`),
    // at most one resource in these classes
    ...(classUid === 6003 ? [] : ['accountId', 'type', 'ARN'].map(name => `struct_pack(k := 'resources[].${name}', v := resources[1].${name})`)),
  ]
  return `map_from_entries(list_filter([${entries.join(', ')}], x -> x.v IS NOT NULL))`
}
