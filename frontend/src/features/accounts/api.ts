import { request } from '@/api/client'
import type { AuditPage, Role, SessionPage, TokenMade, TokenPage, TokenScope, UserEntry, UserPage } from '@/api/types'

export const listUsers = () => request<UserPage>('GET', '/users', { query: { limit: 500 } })
export const createUser = (body: { name: string; role: Role; password: string }) =>
  request<UserEntry>('POST', '/users', { body })
export const changeUser = (id: number, body: { role?: Role; password?: string }) =>
  request<UserEntry>('PUT', `/users/${id}`, { body })
export const deleteUser = (id: number) => request<void>('DELETE', `/users/${id}`)
export const signOutUser = (id: number) => request<void>('DELETE', `/users/${id}/sessions`)

export const listSessions = () => request<SessionPage>('GET', '/auth/sessions')
export const endSession = (id: number) => request<void>('DELETE', `/auth/sessions/${id}`)
export const endOtherSessions = () => request<void>('DELETE', '/auth/sessions')
export const changePassword = (current_password: string, new_password: string) =>
  request<void>('PUT', '/auth/password', { body: { current_password, new_password } })

export const listTokens = () => request<TokenPage>('GET', '/tokens', { query: { limit: 500 } })
export const createToken = (body: { name: string; scope: TokenScope; expires_in_days: number | null }) =>
  request<TokenMade>('POST', '/tokens', { body })
export const revokeToken = (id: number) => request<void>('DELETE', `/tokens/${id}`)

export interface AuditQuery {
  actor?: string
  action?: string
  entity?: string
}
export const listAudit = (query: AuditQuery, offset: number) =>
  request<AuditPage>('GET', '/audit', {
    query: {
      actor: query.actor || undefined,
      action: query.action || undefined,
      entity: query.entity || undefined,
      offset,
      limit: 50,
    },
  })
