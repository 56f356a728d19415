using System.Globalization;
using System.Text.Json;
using PmemFleet.Contracts.Processes;
using Spectre.Console;

namespace PmemFleet.Lab.Demo;

/// <summary>The report as tables.</summary>
internal static class TourPrinter
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Prints what was found, and the failure if there was one.</summary>
    public static void Print(IAnsiConsole console, TourReport report, string? failure, TimeSpan elapsed)
    {
        PrintTopology(console, report);
        PrintFaults(console, report);
        PrintPoison(console, report);
        PrintLists(console, report);
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            failure is null ? $"[green]The tour passed[/] in {elapsed.TotalSeconds:F1} s." : (FormattableString)$"[red]The tour failed.[/] {failure}");
    }

    private static void PrintTopology(IAnsiConsole console, TourReport report)
    {
        if (report.Regions is { } regions)
        {
            console.Write(Rows("Regions", ["region", "DIMMs", "size", "type", "interleave set"], regions.Select(region => (string[])
            [
                region.Name, string.Join(' ', region.Mappings.Select(mapping => mapping.Dimm)), Size(region.Size),
                region.NamespaceType == 5 ? "labelled" : "label-less", region.IsetId ?? string.Empty,
            ])));
        }

        if (report.Namespaces.Count > 0)
        {
            console.Write(Rows("Namespaces", ["namespace", "mode", "usable", "allocated", "align or sector", "device", "dpa"], report.Namespaces.Select(ns => (string[])
            [
                ns.Name, ns.Mode, Size(ns.Size), Size(ns.RawSize), Size(ns.Align ?? ns.SectorSize), ns.CharacterDevice ?? ns.BlockDevice ?? string.Empty,
                string.Join(' ', ns.Extents.Select(extent => string.Create(CultureInfo.InvariantCulture, $"0x{extent.Dpa:x}")).Distinct()),
            ])));
        }

        if (report.Imported is { } imported)
        {
            console.Write(Rows("Found in a label area that Linux 6.1 wrote", ["namespace", "name", "uuid", "size", "dpa"], imported.Select(ns => (string[])
            [
                ns.Name, ns.AltName ?? string.Empty, $"{ns.RawUuid}", Size(ns.RawSize),
                string.Join(' ', ns.Extents.Select(extent => string.Create(CultureInfo.InvariantCulture, $"0x{extent.Dpa:x}"))),
            ])));
        }
    }

    private static void PrintFaults(IAnsiConsole console, TourReport report)
    {
        if (report is { FirstTouch: { } touch, PageTablesBefore: { } before, PageTables: { } tables, Mapping: { } mapping })
        {
            console.Write(Rows($"First touch of {Size(mapping.Length)} on {mapping.Device}, granule {Size(mapping.PageSize)}", ["level", "faults", "entries", "table bytes before", "after"],
            [
                ["4 KiB (pte)", Number(touch.Faults.Pte), Number(tables.Leaves.Pte), Number(before.Bytes.Pte), Number(tables.Bytes.Pte)],
                ["2 MiB (pmd)", Number(touch.Faults.Pmd), Number(tables.Leaves.Pmd), Number(before.Bytes.Pmd), Number(tables.Bytes.Pmd)],
                ["1 GiB (pud)", Number(touch.Faults.Pud), Number(tables.Leaves.Pud), Number(before.Bytes.Pud), Number(tables.Bytes.Pud)],
                ["top level", string.Empty, string.Empty, Number(before.Bytes.Pgd), Number(tables.Bytes.Pgd)],
            ]));
        }

        if (report.PrivateMapping is { } refused)
        {
            console.MarkupLineInterpolated($"MAP_PRIVATE: [yellow]{refused.Errno}[/], rule [yellow]{refused.Code}[/]: {refused.Detail}");
        }
    }

    private static void PrintPoison(IAnsiConsole console, TourReport report)
    {
        if (report.PoisonedLoad?.Signal is { } signal)
        {
            console.MarkupLineInterpolated($"Poisoned load: [red]{Text(signal)}[/]");
        }

        if (report.BadblocksFound is { } found)
        {
            console.MarkupLineInterpolated($"Badblocks then: {string.Join(", ", found.Select(block => $"{block.Offset} {block.Length}"))}");
        }

        if (report is { ClearingWrite: { } write, BadblocksAfterWrite: { } after })
        {
            console.MarkupLineInterpolated($"Block write of {write.Length} bytes cleared {write.ClearedSectors} sector; badblocks now: {after.Count}");
        }
    }

    private static void PrintLists(IAnsiConsole console, TourReport report)
    {
        if (report.NdctlList is { } list)
        {
            console.Write(new Panel(new Text(list.ToJsonString(Indented))) { Header = new PanelHeader("ndctl list -NXM") });
        }

        if (report is { HostAfterPowerCycle: { } host, Check: { } check })
        {
            console.MarkupLineInterpolated($"After the power cycle (boot {host.BootCount}): the same list; {check.LabelAreas} label areas and {check.InfoBlocks} info blocks checked, {check.Differences.Count} differences.");
        }
    }

    private static Table Rows(string title, string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Title = new TableTitle(Markup.Escape(title)), Border = TableBorder.Rounded };
        foreach (var column in columns)
        {
            table.AddColumn(column);
        }

        foreach (var row in rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        return table;
    }

    private static string Text(SignalDto signal) => $"{signal.Signal} {signal.Code} at {signal.Address}, lsb {signal.AddressLsb}";

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Size(long? bytes) => bytes switch
    {
        null => string.Empty,
        >= 1L << 30 when bytes % (1L << 30) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 30} GiB"),
        >= 1L << 20 when bytes % (1L << 20) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20} MiB"),
        >= 1L << 10 when bytes % (1L << 10) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 10} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };
}
