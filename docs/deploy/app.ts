/** One stack from a bucket of raw logs to a lake of OCSF events. */

import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { App, CfnOutput, Stack } from 'aws-cdk-lib/core'
import { OcsfLake } from 'ocsf-lake/cdk'

const app = new App()
const stack = new Stack(app, 'OcsfLake', { description: 'AWS logs to OCSF events' })
const topic = new Topic(stack, 'Alarms')

const lake = new OcsfLake(stack, 'Lake', {
  code: { entry: 'handler.ts' },
  logs: [{ prefix: 'AWSLogs/' }],
  alarms: { topic },
})

// Lets VPC and other vended logs of this account be delivered to the bucket.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
for (const bucket of lake.logBuckets) {
  const from = { 'aws:SourceAccount': stack.account }
  const source = { 'aws:SourceArn': stack.formatArn({ service: 'logs', resource: '*' }) }
  const principals = [new ServicePrincipal('delivery.logs.amazonaws.com')]
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AWSLogDeliveryWrite',
      principals,
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects(`AWSLogs/${stack.account}/*`)],
      conditions: { StringEquals: { ...from, 's3:x-amz-acl': 'bucket-owner-full-control' }, ArnLike: source },
    }),
  )
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AWSLogDeliveryAclCheck',
      principals,
      actions: ['s3:GetBucketAcl'],
      resources: [bucket.bucketArn],
      conditions: { StringEquals: from, ArnLike: source },
    }),
  )
}

const outputs = {
  Logs: lake.logBuckets.map(({ bucketName }) => bucketName).join(','),
  LakeUrl: lake.lakeUrl,
  DeadLettersUrl: lake.deadLettersUrl,
  BackfillArn: lake.backfill?.stateMachineArn,
  AlarmTopicArn: topic.topicArn,
}
for (const [name, value] of Object.entries(outputs)) if (value !== undefined) new CfnOutput(stack, name, { value })
