/** Captions of OCSF 1.8 for what findings hold; a test holds them to the schema. */
export const ACTIVITIES = { 0: 'Unknown', 1: 'Create', 2: 'Update', 3: 'Close', 99: 'Other' } as const
export const SEVERITIES = { 0: 'Unknown', 1: 'Informational', 2: 'Low', 3: 'Medium', 4: 'High', 5: 'Critical', 6: 'Fatal', 99: 'Other' } as const
export const STATUSES = { 0: 'Unknown', 1: 'New', 2: 'In Progress', 3: 'Suppressed', 4: 'Resolved', 5: 'Archived', 6: 'Deleted', 99: 'Other' } as const
export const LEVELS = { 0: 'Unknown', 1: 'Low', 2: 'Medium', 3: 'High', 99: 'Other' } as const
export const IMPACTS = { ...LEVELS, 4: 'Critical' } as const
export const RISKS = { 0: 'Info', 1: 'Low', 2: 'Medium', 3: 'High', 4: 'Critical', 99: 'Other' } as const
export const ACTIONS = { 0: 'Unknown', 1: 'Allowed', 2: 'Denied', 3: 'Observed', 4: 'Modified', 99: 'Other' } as const
export const DISPOSITIONS = {
  0: 'Unknown',
  1: 'Allowed',
  2: 'Blocked',
  3: 'Quarantined',
  4: 'Isolated',
  5: 'Deleted',
  6: 'Dropped',
  15: 'Detected',
  16: 'No Action',
  17: 'Logged',
  19: 'Alert',
  99: 'Other',
} as const
export const ACCOUNTS = { 0: 'Unknown', 1: 'LDAP Account', 2: 'Windows Account', 3: 'AWS IAM User', 4: 'AWS IAM Role', 10: 'AWS Account', 99: 'Other' } as const
export const ANALYTICS = {
  0: 'Unknown',
  1: 'Rule',
  2: 'Behavioral',
  3: 'Statistical',
  4: 'Learning (ML/DL)',
  5: 'Fingerprinting',
  6: 'Tagging',
  7: 'Keyword Match',
  8: 'Regular Expressions',
  9: 'Exact Data Match',
  10: 'Partial Data Match',
  11: 'Indexed Data Match',
  99: 'Other',
} as const
export const CHECKS = { 0: 'Unknown', 1: 'Pass', 2: 'Warning', 3: 'Fail', 99: 'Other' } as const
export const COVERAGES = { 0: 'Unknown', 1: 'Complete', 2: 'Partial', 3: 'None', 99: 'Other' } as const
export const PACKAGES = { 0: 'Unknown', 1: 'Application', 2: 'Operating System', 99: 'Other' } as const
export const BUCKETS = { 0: 'Unknown', 1: 'S3', 2: 'Azure Blob', 3: 'GCP Bucket', 99: 'Other' } as const
export const DATA_CATEGORIES = {
  0: 'Unknown',
  1: 'Personal',
  2: 'Governmental',
  3: 'Financial',
  4: 'Business',
  5: 'Military and Law Enforcement',
  6: 'Security',
  99: 'Other',
} as const
export const SECRECY = {
  0: 'Unknown',
  1: 'Not Confidential',
  2: 'Confidential',
  3: 'Secret',
  4: 'Top Secret',
  5: 'Private',
  6: 'Restricted',
  99: 'Other',
} as const
export const SCANS = { 0: 'Unknown', 1: 'Complete', 2: 'Partial', 3: 'Fail', 99: 'Other' } as const
export const FILES = {
  0: 'Unknown',
  1: 'Regular File',
  2: 'Folder',
  3: 'Character Device',
  4: 'Block Device',
  5: 'Local Socket',
  6: 'Named Pipe',
  7: 'Symbolic Link',
  8: 'Executable File',
  99: 'Other',
} as const
export const USERS = { 0: 'Unknown', 1: 'User', 2: 'Admin', 3: 'System', 4: 'Service', 99: 'Other' } as const
export const DEVICES = {
  0: 'Unknown',
  1: 'Server',
  2: 'Desktop',
  3: 'Laptop',
  4: 'Tablet',
  5: 'Mobile',
  6: 'Virtual',
  7: 'IOT',
  8: 'Browser',
  9: 'Firewall',
  15: 'Load Balancer',
  99: 'Other',
} as const
export const DIRECTIONS = { 0: 'Unknown', 1: 'Inbound', 2: 'Outbound', 3: 'Lateral', 4: 'Local', 99: 'Other' } as const
export const ALGORITHMS = { 0: 'Unknown', 1: 'MD5', 2: 'SHA-1', 3: 'SHA-256', 4: 'SHA-512', 5: 'CTPH', 6: 'TLSH', 7: 'quickXorHash', 99: 'Other' } as const
export const DATABASES = {
  0: 'Unknown',
  1: 'Relational',
  2: 'Network',
  3: 'Object Oriented',
  4: 'Centralized',
  5: 'Operational',
  6: 'NoSQL',
  7: 'Vector',
  8: 'Knowledge Graph',
  99: 'Other',
} as const
export const MALWARE = {
  0: 'Unknown',
  1: 'Adware',
  2: 'Backdoor',
  3: 'Bot',
  4: 'Bootkit',
  5: 'DDOS',
  6: 'Downloader',
  7: 'Dropper',
  8: 'Exploit-Kit',
  9: 'Keylogger',
  10: 'Ransomware',
  11: 'Remote-Access-Trojan',
  13: 'Resource-Exploitation',
  14: 'Rogue-Security-Software',
  15: 'Rootkit',
  16: 'Screen-Capture',
  17: 'Spyware',
  18: 'Trojan',
  19: 'Virus',
  20: 'Webshell',
  21: 'Wiper',
  22: 'Worm',
  99: 'Other',
} as const
export const OBSERVABLES = {
  0: 'Unknown',
  1: 'Hostname',
  2: 'IP Address',
  3: 'MAC Address',
  4: 'User Name',
  5: 'Email Address',
  6: 'URL String',
  7: 'File Name',
  8: 'Hash',
  9: 'Process Name',
  10: 'Resource UID',
  99: 'Other',
} as const
