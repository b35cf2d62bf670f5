/** What the server speaks: names for the types that are generated from its OpenAPI document. */
import type { components } from './schema'

type Schemas = components['schemas']

export type User = Schemas['UserView']
export type Role = User['role']
export type Session = Schemas['Me']
export type SetupState = Schemas['SetupState']
export type RuntimeHost = Schemas['HostView']
export type RuntimeStatus = Schemas['RuntimeStatus']
export type ContainerState = Schemas['State']
export type HealthStatus = Schemas['Health']
export type Container = Schemas['ContainerView']
export type ContainerDetail = Schemas['ContainerDetail']
export type UptimeWindow = keyof Schemas['Uptime']
export type ContainerGroup = Schemas['ContainerGroup']
export type ContainerPage = Schemas['ContainerList']
export type Transition = Schemas['TransitionView']
export type TransitionPage = Schemas['TransitionList']
export type LogTail = Schemas['LogExcerpt']
export type UptimeDays = Schemas['DailyUptimeList']
export type JournalEvent = Schemas['EventView']
export type JournalPage = Schemas['EventList']
export type Severity = Schemas['Severity']
export type Alert = Schemas['AlertView']
export type ActiveAlerts = Schemas['ActiveAlerts']
export type AlertPage = Schemas['AlertList']
export type Silence = Schemas['SilenceView']
export type NewSilence = Omit<Schemas['NewSilence'], 'global'> & { global?: boolean }
export type SilencePage = Schemas['SilenceList']

/** In the order in which people care about them. */
export const CONTAINER_STATES = [
  'running',
  'exited',
  'completed',
  'restarting',
  'paused',
  'created',
  'dead',
] as const satisfies readonly ContainerState[]

export const HEALTH_STATUSES = ['healthy', 'unhealthy', 'starting'] as const satisfies readonly HealthStatus[]
