using System.Buffers.Binary;
using System.Text;

namespace PmemFleet.Chaos.Tests.Wires;

public sealed class OpenTransactionTests
{
    private const string Update = "UPDATE hosts SET version = 2";
    private const string Given = "WITH given AS (UPDATE tasks SET x = 1 RETURNING id) SELECT id FROM given";

    private readonly OpenTransaction _transaction = new();
    private readonly ClientMessages _client;

    public OpenTransactionTests()
    {
        _client = new ClientMessages { Grouped = _transaction.Asked };
        _client.Take([0, 0, 0, 8, 0, 3, 0, 0]);
        Assert.Null(_transaction.Ready(isIdle: true));
    }

    /// <summary>The second time only its name is sent.</summary>
    [Fact]
    public void Commit_OfAStatementThatWasPreparedBefore_KnowsItsText()
    {
        Send('P', $"s1\0{Update}\0");
        for (var round = 0; round < 2; round++)
        {
            Send('Q', "BEGIN\0");
            Assert.Null(_transaction.Completed("BEGIN"));
            Assert.Null(_transaction.Ready(isIdle: false));
            Execute("s1");
            Assert.Null(_transaction.Completed("UPDATE 1"));
            Assert.Null(_transaction.Ready(isIdle: false));
            Send('Q', "COMMIT\0");
            Assert.Equal([Update], _transaction.Completed("COMMIT"));
            Assert.Null(_transaction.Ready(isIdle: true));
        }
    }

    [Fact]
    public void Ready_BehindAStatementWithoutBegin_IsItsCommit()
    {
        Send('P', $"\0{Update}\0");
        Execute(string.Empty);
        Assert.Null(_transaction.Completed("UPDATE 3"));
        Assert.Equal([Update], _transaction.Ready(isIdle: true));
    }

    [Theory]
    [InlineData(Update, "UPDATE 0", false)]
    [InlineData(Given, "SELECT 0", false)]
    [InlineData(Given, "SELECT 2", true)]
    [InlineData("SELECT 1", "SELECT 1", false)]
    public void Ready_BehindWhatTouchedNoRow_IsNone(string statement, string tag, bool isCommit)
    {
        Send('P', $"\0{statement}\0");
        Execute(string.Empty);
        Assert.Null(_transaction.Completed(tag));
        Assert.Equal(isCommit, _transaction.Ready(isIdle: true) is not null);
    }

    [Fact]
    public void Ready_BehindAnError_IsNoCommit()
    {
        Send('P', $"\0{Update}\0");
        Execute(string.Empty);
        Assert.Null(_transaction.Completed("UPDATE 1"));
        _transaction.Failed();
        Assert.Null(_transaction.Ready(isIdle: true));
    }

    private void Execute(string statement)
    {
        Send('B', $"\0{statement}\0");
        Send('E', "\0\0\0\0\0");
        Send('S', string.Empty);
    }

    /// <summary>Cut in the middle, as the network does.</summary>
    private void Send(char type, string content)
    {
        var bytes = new byte[5 + content.Length];
        bytes[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), content.Length + 4);
        Encoding.ASCII.GetBytes(content, bytes.AsSpan(5));
        _client.Take(bytes.AsSpan(0, bytes.Length / 2));
        _client.Take(bytes.AsSpan(bytes.Length / 2));
    }
}
