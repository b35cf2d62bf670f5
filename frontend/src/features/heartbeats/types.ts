/** Names of this feature for what the server's document defines. */
import type { components } from '@/api/schema'

type Schemas = components['schemas']

export type HeartbeatStatus = Schemas['HeartbeatStatus']
export type HeartbeatProblem = Schemas['HeartbeatProblem']
export type PingType = Schemas['PingType']
export type Outcome = Schemas['Outcome']
export type Heartbeat = Schemas['HeartbeatView']
export type HeartbeatListPage = Schemas['HeartbeatList']
export type HeartbeatDetail = Schemas['HeartbeatDetail']
export type HeartbeatChange = Schemas['HeartbeatChange']
export type NewHeartbeat = HeartbeatChange & { name: string }
export type Execution = Schemas['ExecutionView']
export type ExecutionPage = Schemas['ExecutionList']
export type Ping = Schemas['PingView']
export type PingPage = Schemas['PingList']
export type HeartbeatDays = Schemas['HeartbeatDays']
export type SchedulePreview = Schemas['SchedulePreview']
export type PingKey = Schemas['PingKey']

export const HEARTBEAT_STATUSES = ['down', 'started', 'up', 'new', 'paused'] as const satisfies readonly HeartbeatStatus[]

/** The tools there are ready-made texts for, the simplest first. */
export const TOOLS = [
  'curl', 'wget', 'cron', 'systemd', 'tocsin_exec', 'bash', 'python', 'go', 'powershell', 'docker', 'docker_healthcheck', 'kubernetes',
  'github_actions',
] as const
export type Tool = (typeof TOOLS)[number]

interface AboutHeartbeat {
  heartbeat_id: number
  timestamp: string
}

/** What the server pushes about heartbeats, by event name. */
export interface HeartbeatEvents {
  'heartbeat.created': AboutHeartbeat & { name: string; status: HeartbeatStatus }
  'heartbeat.updated': AboutHeartbeat & { name: string }
  'heartbeat.deleted': AboutHeartbeat
  'heartbeat.status_changed': AboutHeartbeat & { old_status: HeartbeatStatus; new_status: HeartbeatStatus }
  'heartbeat.deadline_missed': AboutHeartbeat & {
    name: string
    alert_type: HeartbeatProblem
    details: string
    previous_status: HeartbeatStatus
    deadline_at: string
    evidence: Record<string, unknown>
  }
  'heartbeat.alert': AboutHeartbeat & {
    name: string
    alert_type: HeartbeatProblem
    details: string
    exit_code: number | null
    evidence: Record<string, unknown>
  }
  'heartbeat.recovery': AboutHeartbeat & { name: string }
  'heartbeat.pinged': AboutHeartbeat & {
    ping_type: PingType
    status: HeartbeatStatus
    exit_code: number | null
    last_ping_at: string | null
    next_deadline_at: string | null
  }
}
