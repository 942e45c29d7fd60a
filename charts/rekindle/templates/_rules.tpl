{{/* Generated from deploy/clusterrole.yaml and deploy/role.yaml by `make generate`; change them there. */}}

{{- define "rekindle.rules" -}}
# Policies are followed. Created is only the default policy of a ConfigMap that carries the label rekindle.dev/reload.
# Specifications are never changed: they belong to their authors.
- apiGroups: [rekindle.dev]
  resources: [reloadpolicies]
  verbs: [list, watch, create]
# Schemas and rollbacks are followed and never written.
- apiGroups: [rekindle.dev]
  resources: [configschemas, configrollbacks]
  verbs: [list, watch]
# A version is created before any byte of it goes out, read back when its creation was interrupted, and deleted when
# it falls out of the history. It cannot be changed.
- apiGroups: [rekindle.dev]
  resources: [configversions]
  verbs: [get, list, watch, create, delete]
# What was found, decided and confirmed is written to the statuses; they are also the memory across restarts.
- apiGroups: [rekindle.dev]
  resources: [reloadpolicies/status, configschemas/status, configversions/status, configrollbacks/status]
  verbs: [patch]
# ConfigMaps are the sources: followed, and read one by one when a policy that comes later names them.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]
{{- if .Values.rbac.writeConfigMaps }}
# Written are only those that a policy names: the copy of the proven content (spec.activeCopy: created, patched) and,
# with spec.revert.source Restore, the author's own (patched). Where neither is used, this rule can be taken away.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, patch]
{{- end }}
# Pods are the targets: their labels, annotations, addresses and readiness are read. No pod is ever changed.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# The key that signs the pushes of a namespace; no other Secret can be read.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [rekindle-push-key]
  verbs: [get]
{{- if .Values.rbac.createPushKeys }}
# The key is made when it is missing. RBAC cannot bind the right to create to a name, so this rule is apart; where
# the keys are made by other means, it can be taken away.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}
# Trips, reverts, refusals and rollbacks are told as Events of their policy.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{- define "rekindle.electionRules" -}}
# The Lease is watched, so that a replica takes over at once when another gives it back; read now and then, for a
# watch may be deaf; and renewed.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "rekindle.fullname" . }}]
  verbs: [get, list, watch, update]
# The first replica creates it, and a leader creates it again when somebody deletes it. RBAC cannot bind the right to
# create to a name, so this rule is apart.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end }}
