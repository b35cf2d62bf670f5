/** Names of this feature for what the server's document defines. */
import type { components } from '@/api/schema'

type Schemas = components['schemas']

export type CertificateSource = Schemas['CertificateSource']
export type CertificateStatus = Schemas['CertificateStatus']
export type Protocol = Schemas['Protocol']
export type CertificateProblem = Schemas['Problem']
export type ChainFault = Schemas['ChainFault']
export type ChainLink = Schemas['ChainLink']
export type CertificateCheck = Schemas['CertificateCheck']
export type CertificateCheckDetail = Schemas['CertificateCheckDetail']
export type Certificate = Schemas['CertificateView']
export type CertificateItem = Schemas['CertificateItem']
export type CertificatePage = Schemas['CertificateList']
export type CertificateCreated = Schemas['CertificateCreated']
export type CertificateAnswer = Schemas['CertificateAnswer']
export type CertificateDetail = Schemas['CertificateDetail']
export type CertificateCheckPage = Schemas['CertificateChecks']
export type CertificateChange = Schemas['CertificateChange']
export type NewCertificate = CertificateChange & Pick<Schemas['NewCertificate'], 'protocol' | 'port'> & { hostname: string }

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
