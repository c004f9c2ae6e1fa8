"""Every name that Kubesaga puts on the wire: group, kinds, labels, annotations, variables, reasons, defaults.

One file, so that a reader who meets a name in a cluster finds here who owns it.
"""

from __future__ import annotations

GROUP = "kubesaga.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
CATEGORY = "kubesaga"

TASK_KIND = "Task"
TASK_PLURAL = "tasks"
TEMPLATE_KIND = "TaskTemplate"
TEMPLATE_PLURAL = "tasktemplates"
ACTION_KIND = "TaskAction"
ACTION_PLURAL = "taskactions"

# The operator's Deployment and its pods, as the chart labels them.
OPERATOR_SELECTOR = "app.kubernetes.io/part-of=kubesaga,app.kubernetes.io/component=operator"

# Labels on Jobs and their pods (UID, step, attempt and role identify an attempt) and on revisions.
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "kubesaga"
LABEL_TASK = f"{GROUP}/task"
LABEL_TASK_UID = f"{GROUP}/task-uid"
LABEL_STEP = f"{GROUP}/step"
LABEL_ATTEMPT = f"{GROUP}/attempt"
LABEL_ROLE = f"{GROUP}/role"
LABEL_RUN = f"{GROUP}/run"
LABEL_DOMAIN = f"{GROUP}/domain"
LABEL_TEMPLATE = f"{GROUP}/template"
LABEL_TEMPLATE_VERSION = f"{GROUP}/version"
# A Job that only takes a name, so that a create that arrives late cannot run anything.
LABEL_FENCE = f"{GROUP}/fence"
# On a child Task: whose sub-workflow it is.
LABEL_PARENT_UID = f"{GROUP}/parent-uid"
LABEL_PARENT_STEP = f"{GROUP}/parent-step"
# On Jobs, their pods and child Tasks: followed by the name of the claim that they work for, one label for each.
IDENTITY_LABELS = f"identity.{GROUP}/"
# What a ConfigMap of the operator holds: input, result, history or claim.
LABEL_CONTENT = f"{GROUP}/content"
CONTENT_INPUT = "input"
CONTENT_RESULT = "result"
CONTENT_HISTORY = "history"
CONTENT_CLAIM = "claim"
# On a Task that waits longer than its template's lifecycle allows.
LABEL_DEAD_LETTER = f"{GROUP}/dead-letter"
# On a revision: the hash of what the user wrote, whatever the operator's defaults made of it; and since when nothing
# names the revision.
ANNOTATION_WRITTEN = f"{GROUP}/written"
ANNOTATION_UNREFERENCED = f"{GROUP}/unreferenced-since"
# Keeps a Task until what it did is undone.
FINALIZER = f"{GROUP}/compensate"

# The step contract.
ENV_PREFIX = "KUBESAGA_"
ENV_INPUT = "KUBESAGA_INPUT"
ENV_INPUT_FILE = "KUBESAGA_INPUT_FILE"
ENV_TASK = "KUBESAGA_TASK"
ENV_STEP = "KUBESAGA_STEP"
ENV_ATTEMPT = "KUBESAGA_ATTEMPT"
ENV_IDEMPOTENCY_KEY = "KUBESAGA_IDEMPOTENCY_KEY"
ENV_TRACEPARENT = "TRACEPARENT"
ENV_RESULT_FILE = "KUBESAGA_RESULT_FILE"
RESULT_FILE = "/dev/termination-log"
MAIN_CONTAINER = "step"
# The kubelet cuts a termination message here; a larger document is framed in the container's log.
RESULT_LIMIT_BYTES = 4096
FRAMED_LIMIT_BYTES = 256 * 1024
FRAME_PREFIX = "kubesaga-result"
# An input up to the first limit is a variable, up to the second a file out of a ConfigMap (which takes 1 MiB).
INLINE_INPUT_BYTES = 32 * 1024
INPUT_LIMIT_BYTES = 1_000_000
INPUT_KEY = "input.json"
INPUT_VOLUME = "kubesaga-input"
INPUT_PATH = "/run/kubesaga"
# The key and the checksum of a ConfigMap that holds a large result.
RESULT_KEY = "result"
ANNOTATION_SHA256 = f"{GROUP}/sha256"

# Conditions.
READY = "Ready"
SUCCEEDED = "Succeeded"
FINISHED = "Finished"
RECONCILING = "Reconciling"
STALLED = "Stalled"
NEEDS_ATTENTION = "NeedsAttention"
SUSPENDED = "Suspended"
STALE = "Stale"
FINALLY_FAILED = "FinallyFailed"

# Why a template is Stalled that has no findings by itself: codes of findings and reasons of the condition.
VERSION_REUSED = "VersionReused"
DUPLICATE_VERSION = "DuplicateVersion"

DEFAULT_DOMAIN = "default"

# Names that kubectl takes for the kinds.
TASK_SINGULAR = "task"
TASK_SHORT = "ktask"
TEMPLATE_SINGULAR = "tasktemplate"
TEMPLATE_SHORT = "ktt"
ACTION_SINGULAR = "taskaction"
ACTION_SHORT = "kta"

# Bounds of what a user may write: they keep the CRDs' CEL rules within their cost budget.
MAX_STEPS = 500
MAX_DEPENDENCIES = 64
MAX_ENV = 64
MAX_TAGS = 32
MAX_ATTEMPTS = 100
MAX_METADATA_BYTES = 4096
MAX_LABEL_LENGTH = 63
MAX_TRANSITIONS = 256
MAX_FINDINGS = 100
MAX_ACTIONS = 256
MAX_RULES = 32
MAX_MATCHERS = 64
MAX_MAPPINGS = 64
MAX_ENVIRONMENTS = 16
MAX_BYPASSED = 500
MAX_EXPRESSION = 4096
MAX_DEPTH = 8

# In a template's environments: every step.
ALL_STEPS = "ALL"

# Every step's writable folder; its volume and its path are the operator's.
TMP_VOLUME = "tmp"
TMP_PATH = "/tmp"

# What a step gets where neither it nor its template's defaults say otherwise.
DEFAULT_START_TIMEOUT = "10m"
DEFAULT_METHOD = "call"
COMPENSATION_METHOD = "compensate"
