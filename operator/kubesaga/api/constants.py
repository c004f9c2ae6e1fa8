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

# Labels on Jobs and their pods (UID, step, attempt and role identify an attempt) and on revisions.
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "kubesaga"
LABEL_TASK = f"{GROUP}/task"
LABEL_TASK_UID = f"{GROUP}/task-uid"
LABEL_STEP = f"{GROUP}/step"
LABEL_ATTEMPT = f"{GROUP}/attempt"
LABEL_ROLE = f"{GROUP}/role"
LABEL_DOMAIN = f"{GROUP}/domain"
LABEL_TEMPLATE = f"{GROUP}/template"
LABEL_TEMPLATE_VERSION = f"{GROUP}/version"
# A Job that only takes a name, so that a create that arrives late cannot run anything.
LABEL_FENCE = f"{GROUP}/fence"

# The step contract.
ENV_PREFIX = "KUBESAGA_"
ENV_INPUT = "KUBESAGA_INPUT"
ENV_TASK = "KUBESAGA_TASK"
ENV_STEP = "KUBESAGA_STEP"
ENV_ATTEMPT = "KUBESAGA_ATTEMPT"
ENV_IDEMPOTENCY_KEY = "KUBESAGA_IDEMPOTENCY_KEY"
ENV_RESULT_FILE = "KUBESAGA_RESULT_FILE"
RESULT_FILE = "/dev/termination-log"
MAIN_CONTAINER = "step"
RESULT_LIMIT_BYTES = 4096
PERMANENT_EXIT_CODES = range(64, 79)

# Conditions.
READY = "Ready"
SUCCEEDED = "Succeeded"
FINISHED = "Finished"
RECONCILING = "Reconciling"
STALLED = "Stalled"
NEEDS_ATTENTION = "NeedsAttention"

DEFAULT_DOMAIN = "default"

# Names that kubectl takes for the kinds.
TASK_SINGULAR = "task"
TASK_SHORT = "ktask"
TEMPLATE_SINGULAR = "tasktemplate"
TEMPLATE_SHORT = "ktt"

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

# Every step's writable folder; its volume and its path are the operator's.
TMP_VOLUME = "tmp"
TMP_PATH = "/tmp"

# What a step gets where neither it nor its template's defaults say otherwise.
DEFAULT_START_TIMEOUT = "10m"
DEFAULT_METHOD = "call"
COMPENSATION_METHOD = "compensate"
