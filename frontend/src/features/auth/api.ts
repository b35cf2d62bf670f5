import { request } from '@/api/client'
import type { Session, SetupState, User } from '@/api/types'

export const getSession = () => request<Session>('GET', '/auth/me', { expect401: true })
export const isSetupRequired = () => request<SetupState>('GET', '/auth/setup')
export const setUp = (body: { code: string; name: string; password: string }) =>
  request<{ user: User }>('POST', '/auth/setup', { body, expect401: true })
export const signIn = (body: { name: string; password: string }) =>
  request<{ user: User }>('POST', '/auth/login', { body, expect401: true })
export const signOut = () => request<void>('POST', '/auth/logout', { expect401: true })
