import { queryText } from '@/lib/query'
import { hasEveryWord } from '@/lib/text'
import { placeOf } from './standing'
import {
  CERTIFICATE_SOURCES,
  CERTIFICATE_STATUSES,
  type CertificateItem,
  type CertificateSource,
  type CertificateStatus,
} from './types'

/** What the list shows; it lives in the address. */
export interface CertificateFilter {
  search: string
  statuses: CertificateStatus[]
  source: CertificateSource | null
}

export function filterFromQuery(query: Record<string, unknown>): CertificateFilter {
  const statuses = queryText(query.status).split(',')
  return {
    search: queryText(query.q),
    statuses: CERTIFICATE_STATUSES.filter((name) => statuses.includes(name)),
    source: CERTIFICATE_SOURCES.find((name) => name === queryText(query.source)) ?? null,
  }
}

export function filterToQuery(filter: CertificateFilter): Record<string, string> {
  return {
    ...(filter.search && { q: filter.search }),
    ...(filter.statuses.length && { status: filter.statuses.join(',') }),
    ...(filter.source && { source: filter.source }),
  }
}

export const isFiltering = (filter: CertificateFilter) => Object.keys(filterToQuery(filter)).length > 0

/** Every word of the search must be found in the host, a name that it is for, its issuer or a container. */
export function matches(certificate: CertificateItem, filter: CertificateFilter): boolean {
  if (filter.statuses.length && !filter.statuses.includes(certificate.status)) return false
  if (filter.source && certificate.source !== filter.source) return false
  if (!filter.search) return true
  const { latest_check: check, container_names } = certificate
  const parts = [placeOf(certificate), ...(check?.sans ?? []), check?.issuer_cn, check?.issuer_org, ...container_names]
  return hasEveryWord(parts.join(' '), filter.search)
}
