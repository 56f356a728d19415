using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Mvc;

namespace PmemFleet.Api.Ndctl;

/// <summary>The options of <c>ndctl list</c>, by their long names in camelCase.</summary>
public sealed class NdctlListQuery
{
    /// <summary><c>-B</c>.</summary>
    [FromQuery(Name = "buses")]
    public bool Buses { get; init; }

    /// <summary><c>-D</c>.</summary>
    [FromQuery(Name = "dimms")]
    public bool Dimms { get; init; }

    /// <summary><c>-R</c>.</summary>
    [FromQuery(Name = "regions")]
    public bool Regions { get; init; }

    /// <summary><c>-N</c>.</summary>
    [FromQuery(Name = "namespaces")]
    public bool Namespaces { get; init; }

    /// <summary><c>-X</c>.</summary>
    [FromQuery(Name = "deviceDax")]
    public bool DeviceDax { get; init; }

    /// <summary><c>-i</c>: also what is disabled or idle.</summary>
    [FromQuery(Name = "idle")]
    public bool Idle { get; init; }

    /// <summary><c>-c</c>: also disabled namespaces that have a size; for regions and DIMMs the same as <c>-i</c>.</summary>
    [FromQuery(Name = "configured")]
    public bool Configured { get; init; }

    /// <summary><c>-M</c>: bad blocks, not only their count.</summary>
    [FromQuery(Name = "mediaErrors")]
    public bool MediaErrors { get; init; }

    /// <summary><c>-H</c>: the health of the DIMMs that are listed.</summary>
    [FromQuery(Name = "health")]
    public bool Health { get; init; }

    /// <summary><c>-F</c>: the firmware of the bus and the DIMMs that are listed.</summary>
    [FromQuery(Name = "firmware")]
    public bool Firmware { get; init; }

    /// <summary><c>-C</c>: what each region can give.</summary>
    [FromQuery(Name = "capabilities")]
    public bool Capabilities { get; init; }

    /// <summary><c>-u</c>: sizes with units, hexadecimal ids.</summary>
    [FromQuery(Name = "human")]
    public bool Human { get; init; }

    /// <summary>
    /// <c>-v</c>, up to three times: 1 adds namespaces, dax regions and bad blocks, 2 buses, DIMMs and regions, 3 what is idle, health,
    /// firmware and capabilities.
    /// </summary>
    [FromQuery(Name = "verbose")]
    [Range(0, 3)]
    public int Verbose { get; init; }

    /// <summary>
    /// <c>-b</c>: the bus's name, provider or number; another lists nothing. Each filter takes several names with spaces between, and
    /// <c>all</c>; without a kind of object a filter lists the kind that it filters.
    /// </summary>
    /// <example>ndbus0</example>
    [FromQuery(Name = "bus")]
    public string? Bus { get; init; }

    /// <summary><c>-t</c>: the regions' type; there are no <c>blk</c> regions.</summary>
    [FromQuery(Name = "type")]
    [AllowedValues("pmem", "blk", null)]
    public string? Type { get; init; }

    /// <summary><c>-U</c>: regions, DIMMs and namespaces of a NUMA node; a number or <c>all</c>.</summary>
    [FromQuery(Name = "numaNode")]
    [RegularExpression("all|[0-9]{1,9}")]
    public string? NumaNode { get; init; }

    /// <summary><c>-d</c>: names or a number, <c>nmem0</c> or <c>0</c>.</summary>
    [FromQuery(Name = "dimm")]
    public string? Dimm { get; init; }

    /// <summary><c>-r</c>: names or a number, <c>region0</c> or <c>0</c>.</summary>
    [FromQuery(Name = "region")]
    public string? Region { get; init; }

    /// <summary><c>-n</c>: names, <c>namespace0.1</c> or <c>0.1</c>.</summary>
    [FromQuery(Name = "namespace")]
    public string? Namespace { get; init; }

    /// <summary>
    /// <c>-m</c>, which drops only namespaces: <c>raw</c>, <c>sector</c>, <c>fsdax</c>, <c>devdax</c>; also <c>safe</c>, <c>memory</c>,
    /// <c>dax</c>.
    /// </summary>
    [FromQuery(Name = "mode")]
    [AllowedValues("raw", "sector", "fsdax", "devdax", "safe", "memory", "dax", null)]
    public string? Mode { get; init; }
}

/// <summary>The options of <c>daxctl list</c>, by their long names in camelCase.</summary>
public sealed class DaxctlListQuery
{
    /// <summary><c>-R</c>.</summary>
    [FromQuery(Name = "regions")]
    public bool Regions { get; init; }

    /// <summary><c>-D</c>.</summary>
    [FromQuery(Name = "devices")]
    public bool Devices { get; init; }

    /// <summary><c>-M</c>.</summary>
    [FromQuery(Name = "mappings")]
    public bool Mappings { get; init; }

    /// <summary><c>-u</c>.</summary>
    [FromQuery(Name = "human")]
    public bool Human { get; init; }

    /// <summary><c>-r</c>: the dax region's number or name, <c>0</c> or <c>region0</c>, or <c>all</c>. Alone it lists regions.</summary>
    [FromQuery(Name = "region")]
    public string? Region { get; init; }

    /// <summary>
    /// <c>-d</c>: the devices, such as <c>dax0.0</c> or <c>0.0</c>, or <c>all</c>; it never drops a region. Alone it lists devices.
    /// </summary>
    [FromQuery(Name = "device")]
    public string? Device { get; init; }
}
