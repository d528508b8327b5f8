"""The fields of the answers of Azure Resource Manager and Azure Monitor."""

from tests.foundry_emulator.shapes import (
    COUNT,
    FLAG,
    ISO,
    NUMBER,
    TEXT,
    WORDS,
    Schema,
    fields,
    list_of,
    map_of,
    named,
    or_null,
    shaped,
)

# Azure Resource Manager

SUBSCRIPTION = r"/subscriptions/[^/]+"
ACCOUNT_ID = rf"{SUBSCRIPTION}/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+"
SYSTEM_DATA = fields(
    {"createdAt": ISO, "createdBy": WORDS, "createdByType": WORDS},
    {"lastModifiedAt": ISO, "lastModifiedBy": WORDS, "lastModifiedByType": WORDS},
)
SKU = fields(
    {"name": WORDS},
    {"capacity": {"type": "integer", "minimum": 1}, "tier": TEXT, "size": TEXT, "family": TEXT},
)
DEPLOYMENT_MODEL = fields(
    {"format": named("OpenAI"), "name": WORDS, "version": WORDS},
    {"source": TEXT, "sourceAccount": TEXT, "publisher": TEXT, "callRateLimit": {"type": "object"}},
)
RATE_LIMIT = fields({"key": named("request", "token"), "renewalPeriod": NUMBER, "count": NUMBER})
DEPLOYMENT = fields(
    {
        "id": shaped(rf"{ACCOUNT_ID}/deployments/[^/]+"),
        "type": named("Microsoft.CognitiveServices/accounts/deployments"),
        "name": WORDS,
        "sku": fields({"name": WORDS, "capacity": {"type": "integer", "minimum": 1}}),
        "properties": fields(
            {
                "model": DEPLOYMENT_MODEL,
                "provisioningState": named(
                    *("Accepted", "Creating", "Deleting", "Moving", "Failed"),
                    *("Succeeded", "Disabled", "Canceled", "Updating"),
                ),
            },
            {
                "versionUpgradeOption": named(
                    "OnceNewDefaultVersionAvailable", "OnceCurrentVersionExpired", "NoAutoUpgrade"
                ),
                "currentCapacity": COUNT,
                "capabilities": map_of(TEXT),
                "rateLimits": list_of(RATE_LIMIT),
                "raiPolicyName": TEXT,
                "callRateLimit": {"type": "object"},
                "provisioningIssues": list_of(TEXT),
                "dynamicThrottlingEnabled": FLAG,
                "deploymentState": named("Running", "Paused"),
            },
        ),
        "systemData": SYSTEM_DATA,
        "etag": shaped('"[0-9a-f-]{36}"'),
    },
    {"tags": map_of(TEXT)},
)
OPERATION = fields(
    {"id": WORDS, "name": shaped("[0-9a-f-]{36}"), "status": WORDS, "startTime": ISO},
    {
        "endTime": ISO,
        "error": fields({"code": WORDS, "message": WORDS}, {"details": list_of({"type": "object"})}),
        "properties": {"type": "object"},
    },
)
NAMED_VALUE = fields({"name": WORDS, "value": TEXT})
ACCOUNT = fields(
    {
        "id": shaped(ACCOUNT_ID),
        "name": WORDS,
        "type": named("Microsoft.CognitiveServices/accounts"),
        "kind": WORDS,
        "location": WORDS,
        "sku": SKU,
        "properties": fields(
            {"endpoint": shaped("https?://.+/"), "provisioningState": WORDS, "capabilities": list_of(NAMED_VALUE)},
            {
                "endpoints": map_of(TEXT),
                "disableLocalAuth": FLAG,
                "customSubDomainName": WORDS,
                "publicNetworkAccess": named("Enabled", "Disabled"),
                "dateCreated": ISO,
                "internalId": WORDS,
                "isMigrated": FLAG,
                "callRateLimit": {"type": "object"},
                "networkAcls": {"type": "object"},
                "privateEndpointConnections": list_of({"type": "object"}),
            },
        ),
    },
    {"systemData": SYSTEM_DATA, "etag": TEXT, "tags": map_of(TEXT), "identity": {"type": "object"}},
)
USAGE = fields(
    {
        "name": fields({"value": WORDS, "localizedValue": TEXT}),
        "unit": WORDS,
        "limit": NUMBER,
        "currentValue": NUMBER,
    },
    {"quotaPeriod": TEXT, "nextResetTime": TEXT, "status": TEXT},
)
CAPACITY = fields({}, {"minimum": COUNT, "maximum": COUNT, "step": COUNT, "default": COUNT, "allowedValues": {}})
MODEL_SKU = fields(
    {"name": WORDS},
    {
        "usageName": TEXT,
        "capacity": CAPACITY,
        "deprecationDate": ISO,
        "rateLimits": list_of({"type": "object"}),
        "cost": list_of({"type": "object"}),
    },
)
ARM_MODEL = fields(
    {"format": named("OpenAI"), "name": WORDS, "version": WORDS},
    {
        "source": TEXT,
        "publisher": TEXT,
        "baseModel": fields({"format": WORDS, "name": WORDS, "version": WORDS}, {"source": TEXT}),
        "isDefaultVersion": FLAG,
        "skus": list_of(MODEL_SKU),
        "maxCapacity": COUNT,
        "capabilities": map_of(TEXT),
        "finetuneCapabilities": map_of(TEXT),
        "deprecation": fields({}, {"fineTune": ISO, "inference": ISO}),
        "lifecycleStatus": named("Stable", "Preview", "GenerallyAvailable", "Deprecating", "Deprecated"),
        "systemData": SYSTEM_DATA,
    },
)
LOCATION_MODEL = fields({"model": ARM_MODEL}, {"kind": WORDS, "skuName": WORDS, "description": TEXT})
ACCOUNT_SKU = fields({"resourceType": WORDS, "sku": SKU})
RESOURCE_SKU = fields(
    {"resourceType": WORDS, "name": WORDS, "tier": TEXT, "kind": WORDS, "locations": list_of(WORDS)},
    {"restrictions": list_of({"type": "object"})},
)
MODEL_CAPACITY = fields(
    {
        "id": shaped(rf"{SUBSCRIPTION}/providers/Microsoft\.CognitiveServices/locations/[^/]+/modelCapacities/[^/]+"),
        "type": named("Microsoft.CognitiveServices/locations/modelCapacities"),
        "name": WORDS,
        "location": WORDS,
        "properties": fields(
            {
                "model": fields({"format": named("OpenAI"), "name": WORDS, "version": WORDS}),
                "skuName": WORDS,
                "availableCapacity": NUMBER,
                "availableFinetuneCapacity": NUMBER,
            }
        ),
    },
    {"systemData": SYSTEM_DATA},
)
DEPLOYMENT_SKU = fields({"resourceType": WORDS, "sku": SKU}, {"capacity": CAPACITY})


def arm_list(schema: Schema) -> Schema:
    return fields({"value": list_of(schema)}, {"nextLink": or_null(TEXT)})


# errors

INNER_ERROR: Schema = {"type": "object", "properties": {"code": WORDS}, "required": ["code"]}
ARM_ERROR = fields(
    {
        "error": fields(
            {"code": WORDS, "message": WORDS},
            {"target": TEXT, "details": list_of({"type": "object"}), "innererror": INNER_ERROR},
        )
    }
)
# what Azure Monitor itself refuses over the ARM path comes without an envelope, what ARM refuses before it with one
MONITOR_ERROR: Schema = {"oneOf": [fields({"code": WORDS, "message": WORDS}), ARM_ERROR]}

# Azure Monitor

LOCALIZED = fields({"value": WORDS}, {"localizedValue": TEXT})
METRIC_VALUE = fields(
    {"timeStamp": ISO},
    dict.fromkeys(("total", "count", "average", "minimum", "maximum"), NUMBER),
)
METRIC = fields(
    {
        "id": WORDS,
        "type": named("Microsoft.Insights/metrics"),
        "name": LOCALIZED,
        "unit": WORDS,
        "timeseries": list_of(
            fields(
                {
                    "metadatavalues": list_of(
                        fields({"name": fields({"value": shaped("[a-z]+")}, {"localizedValue": TEXT}), "value": TEXT})
                    ),
                    "data": list_of(METRIC_VALUE),
                }
            )
        ),
    },
    {"displayDescription": TEXT, "errorCode": WORDS, "errorMessage": TEXT, "resourceGroup": TEXT},
)
SPAN = shaped(r"[0-9T:.Z+-]+/[0-9T:.Z+-]+")
INTERVAL = shaped(r"P(T?\d+[YMDHS])+|FULL")
METRICS_ANSWER = fields(
    {"timespan": SPAN, "value": list_of(METRIC)},
    {"cost": NUMBER, "interval": INTERVAL, "namespace": WORDS, "resourceregion": WORDS},
)
METRICS_BATCH = fields(
    {
        "values": list_of(
            fields(
                {
                    "starttime": ISO,
                    "endtime": ISO,
                    "resourceid": WORDS,
                    "value": list_of(METRIC),
                },
                {"interval": INTERVAL, "namespace": WORDS, "resourceregion": WORDS},
            )
        )
    }
)
