using System.Text.Json.Nodes;
using PmemFleet.Contracts.Dax;
using PmemFleet.Contracts.Dimms;
using PmemFleet.Contracts.Hosts;
using PmemFleet.Contracts.MediaErrors;
using PmemFleet.Contracts.Namespaces;
using PmemFleet.Contracts.Problems;
using PmemFleet.Contracts.Processes;
using PmemFleet.Contracts.Regions;

namespace PmemFleet.Lab.Demo;

/// <summary>Every figure of the tour, each as the API gave it.</summary>
internal sealed record TourReport
{
    /// <summary>The demo host once it was ready.</summary>
    public HostDto? Host { get; set; }

    /// <summary>Its DIMMs, labels initialised.</summary>
    public IReadOnlyList<DimmDto>? Dimms { get; set; }

    /// <summary>Its regions, labels in force.</summary>
    public IReadOnlyList<RegionDto>? Regions { get; set; }

    /// <summary>The namespaces that were made.</summary>
    public List<NamespaceDto> Namespaces { get; } = [];

    /// <summary>The dax device of the devdax one.</summary>
    public DaxDeviceDto? DaxDevice { get; set; }

    /// <summary>The shared mapping.</summary>
    public MappingDto? Mapping { get; set; }

    /// <summary>Page tables before the first touch: the program's own.</summary>
    public PageTablesDto? PageTablesBefore { get; set; }

    /// <summary>The first touch of the whole mapping.</summary>
    public AccessDto? FirstTouch { get; set; }

    /// <summary>Page tables after it.</summary>
    public PageTablesDto? PageTables { get; set; }

    /// <summary>The MAP_PRIVATE attempt.</summary>
    public ProblemDto? PrivateMapping { get; set; }

    /// <summary>The load from the poisoned line.</summary>
    public AccessDto? PoisonedLoad { get; set; }

    /// <summary>Badblocks of the namespace after that load.</summary>
    public IReadOnlyList<BadblockDto>? BadblocksFound { get; set; }

    /// <summary>The block write over the bad sector.</summary>
    public DataWrittenDto? ClearingWrite { get; set; }

    /// <summary>Badblocks after that write.</summary>
    public IReadOnlyList<BadblockDto>? BadblocksAfterWrite { get; set; }

    /// <summary>The namespace list as <c>ndctl list</c> prints it.</summary>
    public JsonNode? NdctlList { get; set; }

    /// <summary>Namespaces of the label area that a real kernel wrote.</summary>
    public IReadOnlyList<NamespaceDto>? Imported { get; set; }

    /// <summary>The host after the power cycle.</summary>
    public HostDto? HostAfterPowerCycle { get; set; }

    /// <summary>The list after it; equal to the one before.</summary>
    public JsonNode? NdctlListAfterPowerCycle { get; set; }

    /// <summary>Labels and info blocks against the rows, at the end.</summary>
    public HostCheckDto? Check { get; set; }
}
