/** Names of this feature for what the server speaks; `src/tocsin/certificates/models.py` says what each field means. */

export type CertificateSource = 'standalone' | 'auto' | 'label'
export type CertificateStatus = 'unknown' | 'valid' | 'expiring' | 'expired' | 'error'
export type Protocol = 'tls' | 'smtp' | 'imap' | 'postgres'
export type CertificateProblem =
  | 'unreachable'
  | 'expired'
  | 'expiring'
  | 'not_yet_valid'
  | 'hostname_mismatch'
  | 'chain_invalid'
  | 'weak_key'
export type ChainFault = 'self_signed' | 'incomplete' | 'untrusted' | 'expired_in_chain' | 'invalid'

export interface ChainLink {
  id: number
  check_result_id: number
  position: number
  subject_cn: string
  issuer_cn: string
  not_before: string
  not_after: string
}

export interface CertificateCheck {
  id: number
  monitor_id: number
  checked_at: string
  subject_cn: string | null
  issuer_cn: string | null
  issuer_org: string | null
  sans: string[]
  serial_number: string | null
  fingerprint_sha256: string | null
  signature_algorithm: string | null
  key_type: string | null
  tls_version: string | null
  weakness: string | null
  not_before: string | null
  not_after: string | null
  days_remaining: number | null
  chain_valid: boolean | null
  chain_fault: ChainFault | null
  chain_error: string | null
  hostname_match: boolean | null
  error_message: string | null
}

export type CertificateCheckDetail = CertificateCheck & { chain: ChainLink[] }

export interface Certificate {
  id: number
  hostname: string
  port: number
  protocol: Protocol
  source: CertificateSource
  endpoint_id: number | null
  container_names: string[]
  status: CertificateStatus
  /** What is wrong now, worst first. */
  problems: CertificateProblem[]
  check_interval_seconds: number
  warning_thresholds: number[]
  warn_at_lifetime_percent: number | null
  accept_untrusted: boolean
  last_alerted_threshold: number | null
  last_check_at: string | null
  next_check_at: string | null
  last_error: string | null
  external_id: string | null
  created_at: string
  days_remaining: number | null
}

export type CertificateItem = Certificate & { latest_check: CertificateCheck | null }

export interface CertificatePage {
  certificates: CertificateItem[]
  total: number
  has_more: boolean
}

export interface CertificateCreated {
  certificate: Certificate
  latest_check: CertificateCheck | null
}

export interface CertificateDetail {
  certificate: Certificate
  latest_check: CertificateCheckDetail | null
}

export interface CertificateCheckPage {
  monitor_id: number
  checks: CertificateCheck[]
  total: number
  has_more: boolean
}

export interface CertificateChange {
  check_interval_seconds?: number
  warning_thresholds?: number[]
  warn_at_lifetime_percent?: number | null
  accept_untrusted?: boolean
}

export type NewCertificate = CertificateChange & { hostname: string; port?: number; protocol: Protocol }

export const CERTIFICATE_STATUSES = ['expired', 'error', 'expiring', 'valid', 'unknown'] as const satisfies readonly CertificateStatus[]
export const CERTIFICATE_SOURCES = ['auto', 'label', 'standalone'] as const satisfies readonly CertificateSource[]
export const PROTOCOLS = ['tls', 'smtp', 'imap', 'postgres'] as const satisfies readonly Protocol[]

interface AboutMonitor {
  monitor_id: number
  hostname: string
  timestamp: string
}

/** What the server pushes about certificates, by event name. */
export interface CertificateEvents {
  'certificate.created': AboutMonitor & { port: number; source: CertificateSource }
  'certificate.updated': AboutMonitor & { port: number; source: CertificateSource }
  'certificate.deleted': AboutMonitor
  'certificate.check_completed': AboutMonitor & {
    status: CertificateStatus
    checked_at: string
    subject_cn: string | null
    issuer_cn: string | null
    not_after: string | null
    days_remaining: number | null
    chain_valid: boolean | null
    hostname_match: boolean | null
    error_message: string | null
  }
  'certificate.status_changed': AboutMonitor & {
    previous_status: CertificateStatus
    new_status: CertificateStatus
    days_remaining: number | null
  }
  'certificate.alert': AboutMonitor & {
    port: number
    alert_type: CertificateProblem
    severity: string
    days_remaining: number | null
    not_after: string | null
    chain_error: string | null
    error: string | null
  }
  'certificate.recovery': AboutMonitor & {
    port: number
    previous_alert_type: CertificateProblem
    new_not_after: string | null
    days_remaining: number | null
    renewed: boolean
  }
}
