import { request } from '@/api/client'
import type {
  CertificateAnswer,
  CertificateChange,
  CertificateCheckPage,
  CertificateCreated,
  CertificateDetail,
  CertificateItem,
  CertificatePage,
  NewCertificate,
} from './types'

const PAGE_SIZE = 500

/** The whole list, those that end first on top, page after page. */
export async function listCertificates(): Promise<CertificateItem[]> {
  const all: CertificateItem[] = []
  for (;;) {
    const query = { sort: 'days', limit: PAGE_SIZE, offset: all.length }
    const { certificates, has_more } = await request<CertificatePage>('GET', '/certificates', { query })
    all.push(...certificates)
    if (!has_more || !certificates.length) return all
  }
}

export const getCertificate = (id: number) => request<CertificateDetail>('GET', `/certificates/${id}`)
export const createCertificate = (body: NewCertificate) => request<CertificateCreated>('POST', '/certificates', { body })
export const changeCertificate = (id: number, body: CertificateChange) =>
  request<CertificateAnswer>('PUT', `/certificates/${id}`, { body })
export const deleteCertificate = (id: number) => request<void>('DELETE', `/certificates/${id}`)
export const checkCertificate = (id: number) => request<CertificateDetail>('POST', `/certificates/${id}/check`)

export const listCertificateChecks = (id: number, offset: number) =>
  request<CertificateCheckPage>('GET', `/certificates/${id}/checks`, { query: { limit: 20, offset } })
