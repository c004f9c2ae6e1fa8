{{/* Names and labels that several manifests share. */}}

{{- define "kubesaga.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The prefix of every object's name: the release's name, with the chart's where it does not contain it.
     48 characters, so that the longest suffix still fits into 63. */}}
{{- define "kubesaga.fullname" -}}
{{- $name := include "kubesaga.name" . }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 48 | trimSuffix "-" }}
{{- end }}

{{- define "kubesaga.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kubesaga.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "kubesaga.labels" -}}
{{ include "kubesaga.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: kubesaga
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{- define "kubesaga.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "kubesaga.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The one subject of the operator's bindings. */}}
{{- define "kubesaga.subjects" -}}
- kind: ServiceAccount
  name: {{ include "kubesaga.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
