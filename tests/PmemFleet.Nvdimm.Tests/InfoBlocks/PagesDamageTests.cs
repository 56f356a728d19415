using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.InfoBlocks;
using PmemFleet.Nvdimm.Media;
using PmemFleet.Nvdimm.Primitives;
using PmemFleet.Nvdimm.Tests.Labels;
using Layout = PmemFleet.Nvdimm.InfoBlocks.PagesInfoBlockLayout;

namespace PmemFleet.Nvdimm.Tests.InfoBlocks;

/// <summary>Damaged PFN and DAX info blocks: what a boot makes of them (recorded cases l_pfn_*, fsdax at 4 GiB, devdax 64 MiB behind it).</summary>
public sealed class PagesDamageTests
{
    private const long Size = 64 * Bytes.MiB;

    public static TheoryData<string, int> Cases
    {
        get
        {
            var rows = new TheoryData<string, int>();
            foreach (var name in GoldenVectors.Cases("l_pfn_").Where(name => name != "l_pfn_base"))
            {
                rows.Add(name, 0);
                rows.Add(name, 1);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bind_DamagedBlock_ComesUpAsLinuxDid(string @case, int number)
    {
        var media = Media(@case, number);
        var listed = Listed(GoldenVectors.Snapshot(@case, "booted"), $"namespace0.{number}");

        var outcome = NamespaceBinder.Bind(Plan(number), media);

        var disabled = (string?)listed["state"] == "disabled";
        switch (outcome)
        {
            case BindOutcome.Raw:
                Assert.Equal(("raw", false), ((string?)listed["mode"], disabled));
                break;
            case BindOutcome.Pages pages:
                Assert.False(disabled);
                Assert.Equal((string?)listed["mode"], pages.Kind == PersonalityKind.Pfn ? "fsdax" : "devdax");
                Assert.Equal((string?)listed["map"], pages.Map == MapLocation.Ram ? "mem" : "dev");
                Assert.Equal((long)listed["size"]!, pages.Size.Value);
                Assert.Equal((long)listed["align"]!, pages.Align.Value);
                Assert.Equal((string?)listed["uuid"], pages.Uuid.ToString());
                break;
            case BindOutcome.Failed failed:
                Assert.True(disabled);
                Assert.Equal((string?)listed["mode"], failed.Claimed is null ? "raw" : "devdax");
                Assert.Equal(failed.Claimed is null ? Errno.EOPNOTSUPP : Errno.ENOMEM, failed.Refusal.Errno);
                break;
        }

        Assert.Equal(KernelLines(@case, number), outcome.Messages);
    }

    [Theory]
    [InlineData(PersonalityKind.Pfn)]
    [InlineData(PersonalityKind.Dax)]
    public void TryRead_AnyBitFlipped_IsRefusedOrIsPadding(PersonalityKind kind)
    {
        var bytes = GoldenVectors.Bytes($"l_pfn_base/base_{(kind == PersonalityKind.Pfn ? "pfn" : "dax")}.info.bin");
        Assert.True(PagesInfoBlock.TryRead(bytes, kind, out _));
        for (var bit = 0; bit < bytes.Length * 8; bit += 7)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(PagesInfoBlock.TryRead(bytes, kind, out _));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    internal static Guid Parent(int number) => Guid.Parse($"0000000{number + 1}-0000-4000-8000-00000000000{number + 1}");

    internal static MemoryMedia Media(string @case, int number)
    {
        var media = new MemoryMedia(Size);
        media.Write(4096, Damaged(@case, number));
        return media;
    }

    private static BindPlan Plan(int number) => new()
    {
        Namespace = $"namespace0.{number}",
        Start = new Spa((4 * Bytes.GiB) + (number * Size)),
        Size = new Bytes(Size),
        ParentUuid = Parent(number),
        ClaimClass = ClaimClass.None,
    };

    /// <summary>The block as ndctl read it back in that case; what it does not show (checksum, signature) is damaged by the case's name.</summary>
    private static byte[] Damaged(string @case, int number)
    {
        var bytes = GoldenVectors.Bytes($"l_pfn_base/base_{(number == 0 ? "pfn" : "dax")}.info.bin");
        var command = GoldenVectors.Events(@case).First(e => ((string?)e!["cmd"])?.Contains("read-infoblock", StringComparison.Ordinal) == true)!;
        var blocks = ((string)command["stdout"]!).Split("]\n[");
        if (JsonNode.Parse("[" + blocks[number].Trim('[', ']', '\n') + "]")!.AsArray() is [{ } block])
        {
            var version = ((string)block["version"]!).Split('.').Select(part => ushort.Parse(part, CultureInfo.InvariantCulture)).ToArray();
            MediaUuid.WriteRfc(bytes.AsSpan(Layout.Uuid), Guid.Parse((string)block["uuid"]!));
            MediaUuid.WriteRfc(bytes.AsSpan(Layout.ParentUuid), Guid.Parse((string)block["parent_uuid"]!));
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(Layout.VersionMajor), version[0]);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(Layout.VersionMinor), version[1]);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Layout.DataOffset), (long)block["dataoff"]!);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(Layout.PageCount), (long)block["npfns"]!);
            foreach (var (name, offset) in (IEnumerable<(string, int)>)[("mode", Layout.Mode), ("start_pad", Layout.StartPad), ("end_trunc", Layout.EndTrunc), ("align", Layout.Align), ("page_size", Layout.PageSize)])
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), (uint)(long)block[name]!);
            }

            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(Layout.PageStructSize), (ushort)(long)block["page_struct_size"]!);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(Layout.Checksum), Fletcher64.ComputeSkipping(bytes, Layout.Checksum));
        bytes[Layout.Checksum] ^= (byte)(@case == "l_pfn_sum" ? 1 : 0);
        bytes[Layout.Signature] ^= (byte)(@case == "l_pfn_sig" ? 1 : 0);
        return bytes;
    }

    private static JsonNode Listed(JsonNode snapshot, string name) => Namespaces(snapshot["ndctl_list_BDRNiX_v_M"]).First(node => (string?)node["dev"] == name);

    private static IEnumerable<JsonNode> Namespaces(JsonNode? node) => node switch
    {
        JsonArray array => array.SelectMany(Namespaces),
        JsonObject one => (((string?)one["dev"])?.StartsWith("namespace", StringComparison.Ordinal) == true ? [one] : Array.Empty<JsonNode>())
            .Concat(one.SelectMany(member => member.Value is JsonArray or JsonObject ? Namespaces(member.Value) : [])),
        _ => [],
    };

    /// <summary>The driver's own lines of the second enable, which had debug messages switched on.</summary>
    private static string[] KernelLines(string @case, int number)
    {
        var device = number == 0 ? "pfn0.1: " : "dax0.1: ";
        var command = GoldenVectors.Command(@case, "ndctl enable-namespace all");
        return [.. (command["dmesg"]?.AsArray() ?? []).Select(line => (string)line!)
            .Where(line => line.Contains(device, StringComparison.Ordinal) && !line.StartsWith("libnvdimm:", StringComparison.Ordinal) && !line.StartsWith("dax:", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(device, StringComparison.Ordinal) + device.Length)..])];
    }
}
