/** Every built-in source, in the order the docs list them. */
import { alb } from './alb.js'
import { apiGateway } from './api-gateway.js'
import { clb } from './clb.js'
import { cloudfront } from './cloudfront.js'
import { cloudtrail } from './cloudtrail.js'
import { config } from './config.js'
import { health } from './health.js'
import { networkFirewall } from './network-firewall.js'
import { nlb } from './nlb.js'
import { route53Public } from './route53-public.js'
import { route53Resolver } from './route53-resolver.js'
import { s3Access } from './s3-access.js'
import type { AnySource } from './source.js'
import { tgwFlow } from './tgw-flow.js'
import { verifiedAccess } from './verified-access.js'
import { vpcFlow } from './vpc-flow.js'
import { waf } from './waf.js'
import { webAccess } from './web-access.js'

export const SOURCES: readonly AnySource[] = [
  cloudtrail,
  vpcFlow,
  tgwFlow,
  route53Resolver,
  route53Public,
  waf,
  networkFirewall,
  alb,
  nlb,
  clb,
  cloudfront,
  apiGateway,
  verifiedAccess,
  s3Access,
  webAccess,
  config,
  health,
]
