using System.Text.Json.Serialization;
using PmemFleet.Contracts.Access;
using PmemFleet.Contracts.Campaigns;
using PmemFleet.Contracts.DataPlane;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Events;
using PmemFleet.Contracts.Fleets;
using PmemFleet.Contracts.Health;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.Lists;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Operations;
using PmemFleet.Contracts.Planner;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Regions;
using PmemFleet.Contracts.Sync;
using PmemFleet.Contracts.Workers;
using PmemFleet.Contracts.Workloads;

namespace PmemFleet.Contracts;

/// <summary>Source-generated JSON of every wire type, the same in Api, worker and Lab: camelCase, unknown members refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(ProblemDto))]
[JsonSerializable(typeof(RefusalDto))]
[JsonSerializable(typeof(CreateHostRequest))]
[JsonSerializable(typeof(UpdateHostRequest))]
[JsonSerializable(typeof(PowerRequest))]
[JsonSerializable(typeof(HostDto))]
[JsonSerializable(typeof(HostCheckDto))]
[JsonSerializable(typeof(FleetDocument))]
[JsonSerializable(typeof(FleetPlan))]
[JsonSerializable(typeof(FleetHost))]
[JsonSerializable(typeof(ListPage<HostDto>))]
[JsonSerializable(typeof(CreateDimmRequest))]
[JsonSerializable(typeof(DimmDto))]
[JsonSerializable(typeof(ListPage<DimmDto>))]
[JsonSerializable(typeof(InitLabelsRequest))]
[JsonSerializable(typeof(ZeroLabelsRequest))]
[JsonSerializable(typeof(LabelsDto))]
[JsonSerializable(typeof(CreateRegionRequest))]
[JsonSerializable(typeof(UpdateRegionRequest))]
[JsonSerializable(typeof(RegionDto))]
[JsonSerializable(typeof(ListPage<RegionDto>))]
[JsonSerializable(typeof(CreateNamespaceRequest))]
[JsonSerializable(typeof(ReconfigureNamespaceRequest))]
[JsonSerializable(typeof(UpdateNamespaceRequest))]
[JsonSerializable(typeof(CheckNamespaceRequest))]
[JsonSerializable(typeof(CheckNamespaceDto))]
[JsonSerializable(typeof(NamespaceDto))]
[JsonSerializable(typeof(ListPage<NamespaceDto>))]
[JsonSerializable(typeof(DataWrittenDto))]
[JsonSerializable(typeof(DaxRegionDto))]
[JsonSerializable(typeof(ListPage<DaxRegionDto>))]
[JsonSerializable(typeof(DaxDeviceDto))]
[JsonSerializable(typeof(ReconfigureDaxDeviceRequest))]
[JsonSerializable(typeof(CreateDaxDeviceRequest))]
[JsonSerializable(typeof(ListPage<DaxDeviceDto>))]
[JsonSerializable(typeof(CreateProcessRequest))]
[JsonSerializable(typeof(ProcessDto))]
[JsonSerializable(typeof(ListPage<ProcessDto>))]
[JsonSerializable(typeof(CreateMappingRequest))]
[JsonSerializable(typeof(ProtectMappingRequest))]
[JsonSerializable(typeof(MappingDto))]
[JsonSerializable(typeof(ListPage<MappingDto>))]
[JsonSerializable(typeof(CreateAccessRequest))]
[JsonSerializable(typeof(AccessDto))]
[JsonSerializable(typeof(PageTablesDto))]
[JsonSerializable(typeof(CreateSystemCallRequest))]
[JsonSerializable(typeof(SystemCallDto))]
[JsonSerializable(typeof(SmapsDto))]
[JsonSerializable(typeof(MediaErrorRangeRequest))]
[JsonSerializable(typeof(ClearErrorsRequest))]
[JsonSerializable(typeof(MediaErrorDto))]
[JsonSerializable(typeof(ListPage<MediaErrorDto>))]
[JsonSerializable(typeof(BadblockDto))]
[JsonSerializable(typeof(IReadOnlyList<BadblockDto>))]
[JsonSerializable(typeof(ScrubDto))]
[JsonSerializable(typeof(StartScrubRequest))]
[JsonSerializable(typeof(MediaErrorVictimsDto))]
[JsonSerializable(typeof(MappingVictimsDto))]
[JsonSerializable(typeof(DimmErrorsDto))]
[JsonSerializable(typeof(InjectionStatusDto))]
[JsonSerializable(typeof(DimmHealthDto))]
[JsonSerializable(typeof(DimmHealthPageDto))]
[JsonSerializable(typeof(InjectSmartRequest))]
[JsonSerializable(typeof(DimmSecurityRequest))]
[JsonSerializable(typeof(DimmFirmwareRequest))]
[JsonSerializable(typeof(CreateCampaignRequest))]
[JsonSerializable(typeof(CampaignDto))]
[JsonSerializable(typeof(CampaignPartDto))]
[JsonSerializable(typeof(CampaignResultDto))]
[JsonSerializable(typeof(ListPage<CampaignDto>))]
[JsonSerializable(typeof(OperationDto))]
[JsonSerializable(typeof(ListPage<OperationDto>))]
[JsonSerializable(typeof(CreateWorkloadRequest))]
[JsonSerializable(typeof(WorkloadDto))]
[JsonSerializable(typeof(WorkloadFiguresDto))]
[JsonSerializable(typeof(WorkloadResultDto))]
[JsonSerializable(typeof(ListPage<WorkloadDto>))]
[JsonSerializable(typeof(PlanPageTablesRequest))]
[JsonSerializable(typeof(PageTablePlanDto))]
[JsonSerializable(typeof(WorkerDto))]
[JsonSerializable(typeof(ListPage<WorkerDto>))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinResponse))]
[JsonSerializable(typeof(WorkerConditions))]
[JsonSerializable(typeof(HostMediaDto))]
[JsonSerializable(typeof(SyncRequest))]
[JsonSerializable(typeof(SyncResponse))]
[JsonSerializable(typeof(WorkerTask))]
[JsonSerializable(typeof(TaskResult))]
[JsonSerializable(typeof(HostAssignment))]
[JsonSerializable(typeof(IReadOnlyList<TaskStep>))]
[JsonSerializable(typeof(IReadOnlyList<StepResult>))]
[JsonSerializable(typeof(IReadOnlyList<DimmObservation>))]
[JsonSerializable(typeof(IReadOnlyList<DpaRange>))]
[JsonSerializable(typeof(CreateApiKeyRequest))]
[JsonSerializable(typeof(ApiKeyDto))]
[JsonSerializable(typeof(ListPage<ApiKeyDto>))]
[JsonSerializable(typeof(EventDto))]
[JsonSerializable(typeof(ListPage<EventDto>))]
[JsonSerializable(typeof(DataPlaneReply<ProcessDto>))]
[JsonSerializable(typeof(DataPlaneReply<ListPage<ProcessDto>>))]
[JsonSerializable(typeof(DataPlaneReply<MappingDto>))]
[JsonSerializable(typeof(DataPlaneReply<ListPage<MappingDto>>))]
[JsonSerializable(typeof(DataPlaneReply<AccessDto>))]
[JsonSerializable(typeof(DataPlaneReply<PageTablesDto>))]
[JsonSerializable(typeof(DataPlaneReply<SystemCallDto>))]
[JsonSerializable(typeof(DataPlaneReply<SmapsDto>))]
[JsonSerializable(typeof(DataPlaneReply<DataWrittenDto>))]
[JsonSerializable(typeof(DataPlaneReply<ScrubDto>))]
[JsonSerializable(typeof(DataPlaneReply<MappingVictimsDto>))]
[JsonSerializable(typeof(DataPlaneReply<DimmErrorsDto>))]
[JsonSerializable(typeof(DataPlaneReply<Acknowledged>))]
[JsonSerializable(typeof(HazardQuery))]
public sealed partial class FleetJsonContext : JsonSerializerContext;
