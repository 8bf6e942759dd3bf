{{- /* Pieces that several objects share. Why each field is as it is: the comments in k8s/manifests. */ -}}

{{- define "locustpp.master" -}}{{ .Values.name }}-master{{- end -}}
{{- define "locustpp.worker" -}}{{ .Values.name }}-slave{{- end -}}
{{- define "locustpp.locustfiles" -}}
{{- if and .Values.locustfile.content .Values.locustfile.configMap -}}
{{- fail "give locustfile.content or locustfile.configMap, not both" -}}
{{- end -}}
{{- if .Values.locustfile.content }}{{ .Values.name }}-locustfiles{{ else }}{{ .Values.locustfile.configMap }}{{ end -}}
{{- end -}}

{{- /* locustpp.labels (list context name) */ -}}
{{- define "locustpp.labels" -}}
{{- $root := index . 0 -}}
app: {{ index . 1 }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end -}}

{{- /* locustpp.image (dict of repository, tag, digest, pullPolicy) */ -}}
{{- define "locustpp.image" -}}
{{- if .digest -}}
image: {{ .repository }}@{{ .digest }}
{{- else -}}
image: {{ .repository }}:{{ .tag | default "latest" }}
{{- end }}
imagePullPolicy: {{ .pullPolicy }}
{{- end -}}

{{- /* The file's name in the image, or its path where the ConfigMap is mounted: (list context name) */ -}}
{{- define "locustpp.file" -}}
{{- if include "locustpp.locustfiles" (index . 0) -}}/mnt/locustfiles/{{- end -}}{{ index . 1 }}
{{- end -}}

{{- define "locustpp.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "locustpp.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* locustpp.env (dict of names and values) */ -}}
{{- define "locustpp.env" -}}
{{- range $name, $value := . }}
{{- /* Numbers arrive as floating point: 1000000 would become 1e+06. */ -}}
{{- if and (kindIs "float64" $value) (eq $value (floor $value)) }}{{ $value = printf "%.0f" $value }}{{ end }}
- name: {{ $name | quote }}
  value: {{ $value | toString | quote }}
{{- end -}}
{{- end -}}

{{- /* Environment of master and workers. */ -}}
{{- define "locustpp.locustEnv" -}}
{{- $url := .Values.apiUrl -}}
{{- if and (not $url) .Values.target.enabled -}}
{{- $url = printf "http://%s:8000" .Values.target.name -}}
{{- end -}}
{{- if and (not $url) (eq .Values.locustfile.name "test_sample.py") -}}
{{- fail "set apiUrl: test_sample.py sends its requests there, and target.enabled=false leaves it without a target" -}}
{{- end -}}
{{- with $url }}
- name: API_URL
  value: {{ . | quote }}
{{- end }}
- name: LOCUST_STOP_TIMEOUT
  value: {{ .Values.stopTimeout | quote }}
{{- include "locustpp.env" .Values.env -}}
{{- end -}}

{{- define "locustpp.locustMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "locustpp.locustfiles" . }}
- name: locustfiles
  mountPath: /mnt/locustfiles
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "locustpp.locustVolumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- with include "locustpp.locustfiles" . }}
- name: locustfiles
  configMap:
    name: {{ . | quote }}
{{- end -}}
{{- end -}}

{{- /* Pods are replaced when the file in the values changes. */ -}}
{{- define "locustpp.fileChecksum" -}}
{{- with .Values.locustfile.content -}}
checksum/locustfile: {{ sha256sum . }}
{{- end -}}
{{- end -}}

{{- /* locustpp.placement (list context section) */ -}}
{{- define "locustpp.placement" -}}
{{- with (index . 0).Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with (index . 1).nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with (index . 1).tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
