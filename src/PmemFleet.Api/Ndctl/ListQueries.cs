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

    /// <summary><c>-c</c>: also disabled namespaces that have a size.</summary>
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

    /// <summary><c>-v</c>, up to three times.</summary>
    [FromQuery(Name = "verbose")]
    [Range(0, 3)]
    public int Verbose { get; init; }

    /// <summary><c>-b</c>: the bus's name or provider; another lists nothing.</summary>
    [FromQuery(Name = "bus")]
    public string? Bus { get; init; }

    /// <summary><c>-t</c>: the regions' type; there are no <c>blk</c> regions.</summary>
    [FromQuery(Name = "type")]
    [AllowedValues("pmem", "blk", null)]
    public string? Type { get; init; }

    /// <summary><c>-U</c>: regions and namespaces of a NUMA node.</summary>
    [FromQuery(Name = "numaNode")]
    [Range(0, int.MaxValue)]
    public int? NumaNode { get; init; }

    /// <summary><c>-d</c>.</summary>
    [FromQuery(Name = "dimm")]
    public string? Dimm { get; init; }

    /// <summary><c>-r</c>.</summary>
    [FromQuery(Name = "region")]
    public string? Region { get; init; }

    /// <summary><c>-n</c>.</summary>
    [FromQuery(Name = "namespace")]
    public string? Namespace { get; init; }

    /// <summary><c>-m</c>: <c>raw</c>, <c>sector</c>, <c>fsdax</c>, <c>devdax</c>; also <c>safe</c>, <c>memory</c>, <c>dax</c>.</summary>
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

    /// <summary><c>-r</c>: the number of the dax region.</summary>
    [FromQuery(Name = "region")]
    [Range(0, int.MaxValue)]
    public int? Region { get; init; }

    /// <summary><c>-d</c>: the device, such as <c>dax0.0</c>.</summary>
    [FromQuery(Name = "device")]
    public string? Device { get; init; }
}
