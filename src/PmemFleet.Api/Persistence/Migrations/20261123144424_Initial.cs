using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace PmemFleet.Api.Persistence.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "api_keys",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    role = table.Column<string>(type: "text", nullable: false),
                    prefix = table.Column<string>(type: "text", nullable: false),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    bootstrap = table.Column<bool>(type: "boolean", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_api_keys", x => x.id);
                    table.CheckConstraint("ck_api_keys_hash", "octet_length(hash) = 32");
                    table.CheckConstraint("ck_api_keys_name", "length(name) BETWEEN 1 AND 100");
                    table.CheckConstraint("ck_api_keys_role", "role IN ('viewer', 'operator', 'admin')");
                });

            migrationBuilder.CreateTable(
                name: "event_counter",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    last_seq = table.Column<long>(type: "bigint", nullable: false),
                    compacted_seq = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_event_counter", x => x.id);
                    table.CheckConstraint("ck_event_counter_compacted", "compacted_seq >= 0 AND compacted_seq <= last_seq");
                    table.CheckConstraint("ck_event_counter_one_row", "id = 1");
                });

            migrationBuilder.CreateTable(
                name: "events",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityAlwaysColumn),
                    seq = table.Column<long>(type: "bigint", nullable: true),
                    type = table.Column<string>(type: "text", nullable: false),
                    host = table.Column<string>(type: "text", nullable: true),
                    subject = table.Column<string>(type: "text", nullable: true),
                    actor = table.Column<string>(type: "text", nullable: false),
                    data = table.Column<string>(type: "jsonb", nullable: true),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_events", x => x.id);
                    table.CheckConstraint("ck_events_seq", "seq >= 1");
                });

            migrationBuilder.CreateTable(
                name: "workers",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    media_pool = table.Column<string>(type: "text", nullable: false),
                    advertised_url = table.Column<string>(type: "text", nullable: false),
                    program_version = table.Column<string>(type: "text", nullable: false),
                    draining = table.Column<bool>(type: "boolean", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    joined_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workers", x => x.id);
                    table.CheckConstraint("ck_workers_name", "name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'");
                    table.CheckConstraint("ck_workers_version", "version >= 1");
                });

            migrationBuilder.CreateTable(
                name: "hosts",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    labels = table.Column<string>(type: "jsonb", nullable: false),
                    provider = table.Column<string>(type: "text", nullable: false),
                    supports_pud = table.Column<bool>(type: "boolean", nullable: false),
                    page_table_levels = table.Column<int>(type: "integer", nullable: false),
                    profile = table.Column<string>(type: "text", nullable: false),
                    device_dax = table.Column<bool>(type: "boolean", nullable: false),
                    media_pool = table.Column<string>(type: "text", nullable: false),
                    power = table.Column<string>(type: "text", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    worker_id = table.Column<Guid>(type: "uuid", nullable: true),
                    worker_instance_id = table.Column<Guid>(type: "uuid", nullable: true),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    generation = table.Column<long>(type: "bigint", nullable: false),
                    task_sequence = table.Column<long>(type: "bigint", nullable: false),
                    boot_count = table.Column<long>(type: "bigint", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_hosts", x => x.id);
                    table.CheckConstraint("ck_hosts_counters", "epoch >= 0 AND generation >= 1 AND task_sequence >= 0 AND boot_count >= 0 AND version >= 1");
                    table.CheckConstraint("ck_hosts_labels", "jsonb_typeof(labels) = 'object'");
                    table.CheckConstraint("ck_hosts_name", "name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'");
                    table.CheckConstraint("ck_hosts_page_table_levels", "page_table_levels IN (4, 5)");
                    table.CheckConstraint("ck_hosts_power", "power IN ('on', 'off')");
                    table.CheckConstraint("ck_hosts_provider", "provider IN ('ACPI.NFIT', 'e820')");
                    table.CheckConstraint("ck_hosts_state", "state IN ('pending', 'booting', 'ready')");
                    table.CheckConstraint("ck_hosts_worker", "(worker_id IS NULL) = (worker_instance_id IS NULL)");
                    table.ForeignKey(
                        name: "fk_hosts_worker",
                        column: x => x.worker_id,
                        principalTable: "workers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "worker_leases",
                columns: table => new
                {
                    worker_id = table.Column<Guid>(type: "uuid", nullable: false),
                    instance_id = table.Column<Guid>(type: "uuid", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_worker_leases", x => x.worker_id);
                    table.ForeignKey(
                        name: "fk_worker_leases_worker",
                        column: x => x.worker_id,
                        principalTable: "workers",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "dimms",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    capacity = table.Column<long>(type: "bigint", nullable: false),
                    label_size = table.Column<int>(type: "integer", nullable: false),
                    handle = table.Column<long>(type: "bigint", nullable: false),
                    physical_id = table.Column<int>(type: "integer", nullable: false),
                    serial_number = table.Column<long>(type: "bigint", nullable: false),
                    vendor_id = table.Column<int>(type: "integer", nullable: false),
                    manufacturing_date = table.Column<int>(type: "integer", nullable: false),
                    manufacturing_location = table.Column<int>(type: "integer", nullable: false),
                    unique_id = table.Column<string>(type: "text", nullable: false),
                    clear_error_unit = table.Column<int>(type: "integer", nullable: false),
                    conditions = table.Column<int>(type: "integer", nullable: false),
                    security = table.Column<string>(type: "text", nullable: true),
                    locked = table.Column<bool>(type: "boolean", nullable: false),
                    aliases = table.Column<bool>(type: "boolean", nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    labelling = table.Column<bool>(type: "boolean", nullable: false),
                    label_version = table.Column<string>(type: "text", nullable: true),
                    available_slots = table.Column<int>(type: "integer", nullable: true),
                    version = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dimms", x => new { x.host_id, x.id });
                    table.CheckConstraint("ck_dimms_capacity", "capacity BETWEEN 16777216 AND 17592186044416 AND capacity % 4096 = 0");
                    table.CheckConstraint("ck_dimms_clear_error_unit", "clear_error_unit BETWEEN 64 AND 4096 AND (clear_error_unit & (clear_error_unit - 1)) = 0");
                    table.CheckConstraint("ck_dimms_label_size", "label_size = 0 OR label_size BETWEEN 1024 AND 16777216");
                    table.CheckConstraint("ck_dimms_label_version", "label_version IN ('1.1', '1.2')");
                    table.CheckConstraint("ck_dimms_nfit", "handle BETWEEN 0 AND 4294967295 AND physical_id BETWEEN 0 AND 65535 AND serial_number BETWEEN 0 AND 4294967295");
                    table.CheckConstraint("ck_dimms_number", "number >= 0");
                    table.CheckConstraint("ck_dimms_security", "security IN ('disabled', 'unlocked', 'locked', 'frozen', 'overwrite')");
                    table.CheckConstraint("ck_dimms_vendor", "vendor_id BETWEEN 0 AND 65535 AND manufacturing_date BETWEEN 0 AND 65535 AND manufacturing_location BETWEEN 0 AND 255");
                    table.CheckConstraint("ck_dimms_version", "version >= 1");
                    table.ForeignKey(
                        name: "fk_dimms_host",
                        column: x => x.host_id,
                        principalTable: "hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "operations",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    host_id = table.Column<Guid>(type: "uuid", nullable: true),
                    host_name = table.Column<string>(type: "text", nullable: true),
                    subject = table.Column<string>(type: "text", nullable: true),
                    state = table.Column<string>(type: "text", nullable: false),
                    progress = table.Column<double>(type: "double precision", nullable: false),
                    resource_location = table.Column<string>(type: "text", nullable: true),
                    success_status = table.Column<int>(type: "integer", nullable: false),
                    result = table.Column<string>(type: "json", nullable: true),
                    result_etag = table.Column<string>(type: "text", nullable: true),
                    refusal = table.Column<string>(type: "json", nullable: true),
                    cancel_requested = table.Column<bool>(type: "boolean", nullable: false),
                    actor = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ended_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    version = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_operations", x => x.id);
                    table.CheckConstraint("ck_operations_ended", "(ended_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))");
                    table.CheckConstraint("ck_operations_progress", "progress >= 0 AND progress <= 1");
                    table.CheckConstraint("ck_operations_refusal", "state <> 'failed' OR refusal IS NOT NULL");
                    table.CheckConstraint("ck_operations_state", "state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')");
                    table.CheckConstraint("ck_operations_success_status", "success_status IN (200, 201, 204)");
                    table.ForeignKey(
                        name: "fk_operations_host",
                        column: x => x.host_id,
                        principalTable: "hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.SetNull);
                });

            migrationBuilder.CreateTable(
                name: "regions",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    start = table.Column<long>(type: "bigint", nullable: false),
                    size = table.Column<long>(type: "bigint", nullable: false),
                    align = table.Column<long>(type: "bigint", nullable: false),
                    read_only = table.Column<bool>(type: "boolean", nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    persistence_domain = table.Column<string>(type: "text", nullable: false),
                    numa_node = table.Column<int>(type: "integer", nullable: false),
                    target_node = table.Column<int>(type: "integer", nullable: false),
                    has_flush_hints = table.Column<bool>(type: "boolean", nullable: false),
                    initial_namespaces = table.Column<int>(type: "integer", nullable: false),
                    namespace_seed = table.Column<int>(type: "integer", nullable: true),
                    btt_seed = table.Column<int>(type: "integer", nullable: true),
                    pfn_seed = table.Column<int>(type: "integer", nullable: true),
                    dax_seed = table.Column<int>(type: "integer", nullable: true),
                    namespace_type = table.Column<int>(type: "integer", nullable: false),
                    iset_id = table.Column<string>(type: "text", nullable: true),
                    available_size = table.Column<long>(type: "bigint", nullable: true),
                    max_available_extent = table.Column<long>(type: "bigint", nullable: true),
                    version = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_regions", x => new { x.host_id, x.id });
                    table.CheckConstraint("ck_regions_align", "align >= 4096 AND align <= size");
                    table.CheckConstraint("ck_regions_available", "available_size BETWEEN 0 AND size AND max_available_extent BETWEEN 0 AND size");
                    table.CheckConstraint("ck_regions_kind", "kind IN ('nfit', 'legacy')");
                    table.CheckConstraint("ck_regions_namespace_type", "namespace_type IN (4, 5)");
                    table.CheckConstraint("ck_regions_number", "number >= 0");
                    table.CheckConstraint("ck_regions_persistence_domain", "persistence_domain IN ('unknown', 'cpu_cache', 'memory_controller')");
                    table.CheckConstraint("ck_regions_range", "start >= 0 AND size > 0 AND start % 4096 = 0 AND size % 4096 = 0");
                    table.CheckConstraint("ck_regions_version", "version >= 1");
                    table.ForeignKey(
                        name: "fk_regions_host",
                        column: x => x.host_id,
                        principalTable: "hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "dimm_media",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dimm_id = table.Column<Guid>(type: "uuid", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    observed_version = table.Column<long>(type: "bigint", nullable: false),
                    dirty_shutdown_count = table.Column<long>(type: "bigint", nullable: false),
                    scrub_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dimm_media", x => new { x.host_id, x.dimm_id });
                    table.CheckConstraint("ck_dimm_media_counters", "epoch >= 0 AND observed_version >= 0 AND dirty_shutdown_count >= 0 AND scrub_count >= 0");
                    table.ForeignKey(
                        name: "fk_dimm_media_dimm",
                        columns: x => new { x.host_id, x.dimm_id },
                        principalTable: "dimms",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "label_chunks",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dimm_id = table.Column<Guid>(type: "uuid", nullable: false),
                    index = table.Column<int>(type: "integer", nullable: false),
                    content = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_label_chunks", x => new { x.host_id, x.dimm_id, x.index });
                    table.CheckConstraint("ck_label_chunks_content", "octet_length(content) BETWEEN 1 AND 4096");
                    table.CheckConstraint("ck_label_chunks_index", "index BETWEEN 0 AND 4095");
                    table.ForeignKey(
                        name: "fk_label_chunks_dimm",
                        columns: x => new { x.host_id, x.dimm_id },
                        principalTable: "dimms",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "media_errors",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dimm_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dpa = table.Column<long>(type: "bigint", nullable: false),
                    length = table.Column<long>(type: "bigint", nullable: false),
                    poisoned = table.Column<bool>(type: "boolean", nullable: false),
                    known = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_media_errors", x => new { x.host_id, x.dimm_id, x.dpa });
                    table.CheckConstraint("ck_media_errors_range", "dpa >= 0 AND length > 0");
                    table.CheckConstraint("ck_media_errors_state", "poisoned OR known");
                    table.ForeignKey(
                        name: "fk_media_errors_dimm",
                        columns: x => new { x.host_id, x.dimm_id },
                        principalTable: "dimms",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "idempotency_keys",
                columns: table => new
                {
                    caller = table.Column<string>(type: "text", nullable: false),
                    key = table.Column<string>(type: "text", nullable: false),
                    fingerprint = table.Column<byte[]>(type: "bytea", nullable: false),
                    operation_id = table.Column<Guid>(type: "uuid", nullable: true),
                    status = table.Column<int>(type: "integer", nullable: true),
                    location = table.Column<string>(type: "text", nullable: true),
                    etag = table.Column<string>(type: "text", nullable: true),
                    body = table.Column<byte[]>(type: "bytea", nullable: true),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_idempotency_keys", x => new { x.caller, x.key });
                    table.CheckConstraint("ck_idempotency_keys_answer", "(operation_id IS NULL) <> (status IS NULL)");
                    table.CheckConstraint("ck_idempotency_keys_fingerprint", "octet_length(fingerprint) = 32");
                    table.CheckConstraint("ck_idempotency_keys_key", "key ~ '^[!-~]{1,200}$'");
                    table.ForeignKey(
                        name: "fk_idempotency_keys_operation",
                        column: x => x.operation_id,
                        principalTable: "operations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "tasks",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    operation_id = table.Column<Guid>(type: "uuid", nullable: false),
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    sequence = table.Column<long>(type: "bigint", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    steps = table.Column<string>(type: "json", nullable: false),
                    trace_parent = table.Column<string>(type: "text", nullable: true),
                    delivered_epoch = table.Column<long>(type: "bigint", nullable: true),
                    done = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_tasks", x => x.id);
                    table.CheckConstraint("ck_tasks_sequence", "sequence >= 1");
                    table.CheckConstraint("ck_tasks_steps", "json_typeof(steps) = 'array'");
                    table.ForeignKey(
                        name: "fk_tasks_host",
                        column: x => x.host_id,
                        principalTable: "hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_tasks_operation",
                        column: x => x.operation_id,
                        principalTable: "operations",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "namespaces",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    region_id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    kind = table.Column<int>(type: "integer", nullable: false),
                    uuid = table.Column<Guid>(type: "uuid", nullable: true),
                    alt_name = table.Column<string>(type: "text", nullable: false),
                    size = table.Column<long>(type: "bigint", nullable: false),
                    start = table.Column<long>(type: "bigint", nullable: true),
                    sector_size = table.Column<int>(type: "integer", nullable: false),
                    claim_class = table.Column<string>(type: "text", nullable: false),
                    unknown_abstraction = table.Column<Guid>(type: "uuid", nullable: true),
                    force_raw = table.Column<bool>(type: "boolean", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false),
                    mounted = table.Column<bool>(type: "boolean", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    awaited_auto_recover = table.Column<bool>(type: "boolean", nullable: true),
                    awaited_intent = table.Column<string>(type: "text", nullable: true),
                    awaited_next_namespace_seed = table.Column<int>(type: "integer", nullable: true),
                    awaited_next_personality_seed = table.Column<int>(type: "integer", nullable: true),
                    awaited_personality = table.Column<string>(type: "text", nullable: true),
                    awaited_personality_number = table.Column<int>(type: "integer", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_namespaces", x => new { x.host_id, x.id });
                    table.CheckConstraint("ck_namespaces_alt_name", "octet_length(alt_name) <= 63");
                    table.CheckConstraint("ck_namespaces_awaited", "(awaited_intent IS NOT NULL) = (state = 'pending') AND awaited_intent IN ('create', 'reconfigure', 'enable')");
                    table.CheckConstraint("ck_namespaces_bound_has_size", "state = 'disabled' OR size > 0");
                    table.CheckConstraint("ck_namespaces_claim_class", "claim_class IN ('none', 'btt', 'btt2', 'pfn', 'dax', 'unknown')");
                    table.CheckConstraint("ck_namespaces_kind", "kind IN (4, 5)");
                    table.CheckConstraint("ck_namespaces_number", "number >= 0");
                    table.CheckConstraint("ck_namespaces_sector_size", "sector_size IN (0, 512, 4096)");
                    table.CheckConstraint("ck_namespaces_size", "size >= 0 AND (start IS NULL) = (size = 0)");
                    table.CheckConstraint("ck_namespaces_state", "state IN ('disabled', 'pending', 'enabled')");
                    table.CheckConstraint("ck_namespaces_version", "version >= 1");
                    table.ForeignKey(
                        name: "fk_namespaces_region",
                        columns: x => new { x.host_id, x.region_id },
                        principalTable: "regions",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "personalities",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    region_id = table.Column<Guid>(type: "uuid", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    uuid = table.Column<Guid>(type: "uuid", nullable: true),
                    sector_size = table.Column<long>(type: "bigint", nullable: true),
                    map = table.Column<string>(type: "text", nullable: true),
                    align = table.Column<long>(type: "bigint", nullable: false),
                    namespace_number = table.Column<int>(type: "integer", nullable: true),
                    bound_align = table.Column<long>(type: "bigint", nullable: true),
                    bound_data_offset = table.Column<long>(type: "bigint", nullable: true),
                    bound_end_trunc = table.Column<long>(type: "bigint", nullable: true),
                    bound_map = table.Column<string>(type: "text", nullable: true),
                    bound_page_count = table.Column<long>(type: "bigint", nullable: true),
                    bound_sector_size = table.Column<long>(type: "bigint", nullable: true),
                    bound_size = table.Column<long>(type: "bigint", nullable: true),
                    bound_start_pad = table.Column<long>(type: "bigint", nullable: true),
                    bound_uuid = table.Column<Guid>(type: "uuid", nullable: true),
                    bound_version = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_personalities", x => new { x.host_id, x.region_id, x.kind, x.number });
                    table.CheckConstraint("ck_personalities_bound", "bound_uuid IS NULL OR (namespace_number IS NOT NULL AND bound_size > 0)");
                    table.CheckConstraint("ck_personalities_bound_kind", "bound_uuid IS NULL OR (kind = 'btt') = (bound_version IS NOT NULL)");
                    table.CheckConstraint("ck_personalities_kind", "kind IN ('btt', 'pfn', 'dax')");
                    table.CheckConstraint("ck_personalities_map", "map IN ('mem', 'dev')");
                    table.CheckConstraint("ck_personalities_number", "number >= 0");
                    table.ForeignKey(
                        name: "fk_personalities_region",
                        columns: x => new { x.host_id, x.region_id },
                        principalTable: "regions",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "region_mappings",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    region_id = table.Column<Guid>(type: "uuid", nullable: false),
                    index = table.Column<int>(type: "integer", nullable: false),
                    dimm_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dpa_start = table.Column<long>(type: "bigint", nullable: false),
                    length = table.Column<long>(type: "bigint", nullable: false),
                    position = table.Column<int>(type: "integer", nullable: false),
                    region_offset = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_region_mappings", x => new { x.host_id, x.region_id, x.index });
                    table.CheckConstraint("ck_region_mappings_index", "index BETWEEN 0 AND 31");
                    table.CheckConstraint("ck_region_mappings_position", "position BETWEEN 0 AND 31");
                    table.CheckConstraint("ck_region_mappings_range", "dpa_start >= 0 AND length > 0 AND dpa_start % 4096 = 0 AND length % 4096 = 0");
                    table.ForeignKey(
                        name: "fk_region_mappings_dimm",
                        columns: x => new { x.host_id, x.dimm_id },
                        principalTable: "dimms",
                        principalColumns: new[] { "host_id", "id" });
                    table.ForeignKey(
                        name: "fk_region_mappings_region",
                        columns: x => new { x.host_id, x.region_id },
                        principalTable: "regions",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "dax_regions",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    namespace_id = table.Column<Guid>(type: "uuid", nullable: true),
                    start = table.Column<long>(type: "bigint", nullable: false),
                    size = table.Column<long>(type: "bigint", nullable: false),
                    align = table.Column<long>(type: "bigint", nullable: false),
                    target_node = table.Column<int>(type: "integer", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dax_regions", x => new { x.host_id, x.id });
                    table.CheckConstraint("ck_dax_regions_align", "align IN (4096, 2097152, 1073741824)");
                    table.CheckConstraint("ck_dax_regions_range", "start >= 0 AND size > 0 AND start % align = 0 AND size % align = 0");
                    table.ForeignKey(
                        name: "fk_dax_regions_host",
                        column: x => x.host_id,
                        principalTable: "hosts",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_dax_regions_namespace",
                        columns: x => new { x.host_id, x.namespace_id },
                        principalTable: "namespaces",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "dpa_extents",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dimm_id = table.Column<Guid>(type: "uuid", nullable: false),
                    dpa_start = table.Column<long>(type: "bigint", nullable: false),
                    length = table.Column<long>(type: "bigint", nullable: false),
                    owner = table.Column<Guid>(type: "uuid", nullable: false),
                    namespace_id = table.Column<Guid>(type: "uuid", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dpa_extents", x => new { x.host_id, x.dimm_id, x.dpa_start });
                    table.CheckConstraint("ck_dpa_extents_range", "dpa_start >= 0 AND length > 0");
                    table.ForeignKey(
                        name: "fk_dpa_extents_dimm",
                        columns: x => new { x.host_id, x.dimm_id },
                        principalTable: "dimms",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_dpa_extents_namespace",
                        columns: x => new { x.host_id, x.namespace_id },
                        principalTable: "namespaces",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "dax_devices",
                columns: table => new
                {
                    host_id = table.Column<Guid>(type: "uuid", nullable: false),
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    dax_region_id = table.Column<Guid>(type: "uuid", nullable: false),
                    region_number = table.Column<int>(type: "integer", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    start = table.Column<long>(type: "bigint", nullable: false),
                    size = table.Column<long>(type: "bigint", nullable: false),
                    align = table.Column<long>(type: "bigint", nullable: false),
                    mode = table.Column<string>(type: "text", nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    version = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dax_devices", x => new { x.host_id, x.id });
                    table.CheckConstraint("ck_dax_devices_align", "align IN (4096, 2097152, 1073741824)");
                    table.CheckConstraint("ck_dax_devices_mode", "mode IN ('devdax', 'system-ram')");
                    table.CheckConstraint("ck_dax_devices_range", "start >= 0 AND size > 0 AND start % align = 0 AND size % align = 0");
                    table.ForeignKey(
                        name: "fk_dax_devices_region",
                        columns: x => new { x.host_id, x.dax_region_id },
                        principalTable: "dax_regions",
                        principalColumns: new[] { "host_id", "id" },
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.InsertData(
                table: "event_counter",
                columns: new[] { "id", "compacted_seq", "last_seq" },
                values: new object[] { 1, 0L, 0L });

            migrationBuilder.CreateIndex(
                name: "ux_api_keys_hash",
                table: "api_keys",
                column: "hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_dax_devices_region",
                table: "dax_devices",
                columns: new[] { "host_id", "dax_region_id" });

            migrationBuilder.CreateIndex(
                name: "ux_dax_devices_name",
                table: "dax_devices",
                columns: new[] { "host_id", "region_number", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ux_dax_regions_namespace",
                table: "dax_regions",
                columns: new[] { "host_id", "namespace_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ux_dimms_handle",
                table: "dimms",
                columns: new[] { "host_id", "handle" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ux_dimms_number",
                table: "dimms",
                columns: new[] { "host_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_dpa_extents_namespace",
                table: "dpa_extents",
                columns: new[] { "host_id", "namespace_id" });

            migrationBuilder.CreateIndex(
                name: "ix_events_unnumbered",
                table: "events",
                column: "id",
                filter: "seq IS NULL");

            migrationBuilder.CreateIndex(
                name: "ux_events_seq",
                table: "events",
                column: "seq",
                unique: true,
                filter: "seq IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_hosts_labels",
                table: "hosts",
                column: "labels")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_hosts_media_pool",
                table: "hosts",
                column: "media_pool");

            migrationBuilder.CreateIndex(
                name: "ix_hosts_worker",
                table: "hosts",
                column: "worker_id");

            migrationBuilder.CreateIndex(
                name: "ux_hosts_name",
                table: "hosts",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_idempotency_keys_expires_at",
                table: "idempotency_keys",
                column: "expires_at");

            migrationBuilder.CreateIndex(
                name: "ix_idempotency_keys_operation",
                table: "idempotency_keys",
                column: "operation_id");

            migrationBuilder.CreateIndex(
                name: "ix_namespaces_region",
                table: "namespaces",
                columns: new[] { "host_id", "region_id" });

            migrationBuilder.CreateIndex(
                name: "ix_namespaces_uuid",
                table: "namespaces",
                columns: new[] { "host_id", "uuid" });

            migrationBuilder.CreateIndex(
                name: "ix_operations_host",
                table: "operations",
                columns: new[] { "host_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_operations_open",
                table: "operations",
                column: "created_at",
                filter: "ended_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ux_personalities_namespace",
                table: "personalities",
                columns: new[] { "host_id", "region_id", "namespace_number" },
                unique: true,
                filter: "namespace_number IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_region_mappings_dimm",
                table: "region_mappings",
                columns: new[] { "host_id", "dimm_id" });

            migrationBuilder.CreateIndex(
                name: "ux_region_mappings_dimm",
                table: "region_mappings",
                columns: new[] { "host_id", "region_id", "dimm_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ux_regions_number",
                table: "regions",
                columns: new[] { "host_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_tasks_operation",
                table: "tasks",
                column: "operation_id");

            migrationBuilder.CreateIndex(
                name: "ux_tasks_queue",
                table: "tasks",
                columns: new[] { "host_id", "sequence" },
                unique: true,
                filter: "NOT done");

            migrationBuilder.CreateIndex(
                name: "ux_workers_name",
                table: "workers",
                column: "name",
                unique: true);

            ExclusionConstraints.Add(migrationBuilder);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "api_keys");

            migrationBuilder.DropTable(
                name: "dax_devices");

            migrationBuilder.DropTable(
                name: "dimm_media");

            migrationBuilder.DropTable(
                name: "dpa_extents");

            migrationBuilder.DropTable(
                name: "event_counter");

            migrationBuilder.DropTable(
                name: "events");

            migrationBuilder.DropTable(
                name: "idempotency_keys");

            migrationBuilder.DropTable(
                name: "label_chunks");

            migrationBuilder.DropTable(
                name: "media_errors");

            migrationBuilder.DropTable(
                name: "personalities");

            migrationBuilder.DropTable(
                name: "region_mappings");

            migrationBuilder.DropTable(
                name: "tasks");

            migrationBuilder.DropTable(
                name: "worker_leases");

            migrationBuilder.DropTable(
                name: "dax_regions");

            migrationBuilder.DropTable(
                name: "dimms");

            migrationBuilder.DropTable(
                name: "operations");

            migrationBuilder.DropTable(
                name: "namespaces");

            migrationBuilder.DropTable(
                name: "regions");

            migrationBuilder.DropTable(
                name: "hosts");

            migrationBuilder.DropTable(
                name: "workers");
        }
    }
}
