{{/* Names, labels and the image: whatever more than one object needs. */}}

{{- define "rekindle.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for what is put behind it: the name of a Service has at most 63 characters. */}}
{{- define "rekindle.fullname" -}}
{{- $name := include "rekindle.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 54 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* What never changes in the life of a release: a Deployment cannot change its selector. */}}
{{- define "rekindle.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rekindle.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rekindle.labels" -}}
{{ include "rekindle.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "rekindle.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (ternary (include "rekindle.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "rekindle.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The directory below which `files` are mounted; the operator gets it as --files-root. */}}
{{- define "rekindle.filesRoot" -}}
/var/lib/rekindle/files
{{- end }}
