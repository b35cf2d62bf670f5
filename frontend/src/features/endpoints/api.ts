import { request } from '@/api/client'
import type {
  Check,
  CheckPage,
  Endpoint,
  EndpointAnswer,
  EndpointChange,
  EndpointDays,
  EndpointDetail,
  EndpointPage,
  NewEndpoint,
  ResponseRange,
  ResponseTimes,
  Trial,
  TrialAnswer,
} from './types'

const PAGE_SIZE = 500

/** The whole list of those that are in use, page after page. */
export async function listEndpoints(): Promise<Endpoint[]> {
  const all: Endpoint[] = []
  for (;;) {
    const query = { limit: PAGE_SIZE, offset: all.length }
    const { endpoints, has_more } = await request<EndpointPage>('GET', '/endpoints', { query })
    all.push(...endpoints)
    if (!has_more || !endpoints.length) return all
  }
}

const endpointOf = async (answer: Promise<EndpointAnswer>) => (await answer).endpoint

export const getEndpoint = (id: number) => request<EndpointDetail>('GET', `/endpoints/${id}`)
export const createEndpoint = (body: NewEndpoint) => endpointOf(request('POST', '/endpoints', { body }))
export const changeEndpoint = (id: number, body: EndpointChange) => endpointOf(request('PUT', `/endpoints/${id}`, { body }))
export const deleteEndpoint = (id: number) => request<void>('DELETE', `/endpoints/${id}`)
export const pauseEndpoint = (id: number) => endpointOf(request('POST', `/endpoints/${id}/pause`))
export const resumeEndpoint = (id: number) => endpointOf(request('POST', `/endpoints/${id}/resume`))
export const checkNow = (id: number) => request<Check>('POST', `/endpoints/${id}/check`)
export const tryEndpoint = (body: Trial) => request<TrialAnswer>('POST', '/endpoints/try', { body })

export const listChecks = (id: number, offset: number, limit: number) =>
  request<CheckPage>('GET', `/endpoints/${id}/checks`, { query: { offset, limit } })

export const getDays = (id: number, days: number) =>
  request<EndpointDays>('GET', `/endpoints/${id}/uptime/daily`, { query: { days } })

export const getResponseTimes = (id: number, range: ResponseRange) =>
  request<ResponseTimes>('GET', `/endpoints/${id}/response-times`, { query: { range } })


export const getSparklines = () => request<Record<string, (number | null)[]>>('GET', '/dashboard/sparklines')
